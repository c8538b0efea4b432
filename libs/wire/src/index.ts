export * from './gen/google/rpc/code_pb.ts';
export * from './gen/google/rpc/error_details_pb.ts';
export * from './gen/google/rpc/status_pb.ts';
export * from './gen/starling/v1/admin_pb.ts';
export * from './gen/starling/v1/mesh_pb.ts';
export * from './gen/starling/v1/search_pb.ts';
export { type GrpcDefinition, type GrpcMethod, toGrpcDefinition } from './grpc-definition.ts';
