export { banTextLimits, decodeBanStatement, encodeBanStatement, isBanText } from './ban-codec.ts';
export { bodyCodec } from './body-codec.ts';
export {
  type DecodedFrame,
  defaultFrameLimits,
  encodeConfirm,
  encodeGoodbye,
  encodeHello,
  encodeRefusal,
  FrameDecoder,
  FrameEncoder,
  type FrameLimits,
  frameBytesMax,
  isSendable,
  type OutgoingMessage,
  outgoingBytes,
  slabBytes,
  toOutgoing,
} from './frame-codec.ts';
export * from './gen/google/rpc/code_pb.ts';
export * from './gen/google/rpc/error_details_pb.ts';
export * from './gen/google/rpc/status_pb.ts';
export * from './gen/starling/v1/admin_pb.ts';
export * from './gen/starling/v1/lookup_pb.ts';
export * from './gen/starling/v1/mesh_pb.ts';
export * from './gen/starling/v1/peers_pb.ts';
export * from './gen/starling/v1/search_pb.ts';
export { type GrpcDefinition, type GrpcMethod, toGrpcDefinition } from './grpc-definition.ts';
export type { Hello, Refusal, RefusalWord } from './hello-codec.ts';
export { isAddress } from './peer-codec.ts';
export { ProtoWriter } from './proto-writer.ts';
