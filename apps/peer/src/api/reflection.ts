import { create, type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { file_google_rpc_error_details, StatusSchema, toGrpcDefinition } from '@starling/wire';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
  ServerReflection as V1,
} from '../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as V1Alpha } from '../gen/grpc/reflection/v1alpha/reflection_pb.ts';

/**
 * Answers what services there are and how their messages look, from the descriptors that the generated code carries, so
 * that grpcurl, k6 and Postman need no .proto file. Own code rather than `@grpc/reflection`, which reads its protocol
 * from disk (a peer is one file) and answers with reassembled files instead of the ones that were compiled.
 */
export class Reflection {
  readonly #services: readonly string[];
  /** File name or full symbol → the file that holds it. */
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #encoded = new Map<DescFile, Uint8Array>();

  constructor(services: readonly DescService[]) {
    const all = [...services, V1, V1Alpha];
    this.#services = all.map((service) => service.typeName);
    for (const service of all) this.#add(service.file);
    // No method mentions them, but every error carries them: with these a client can show the details as text.
    this.#add(StatusSchema.file);
    this.#add(file_google_rpc_error_details);
  }

  /** Serves v1 and v1alpha: the same messages under two names, and clients ask for either. */
  addTo(server: Server): void {
    const handlers = {
      serverReflectionInfo: (call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>): void => {
        call.on('data', (request: ServerReflectionRequest) => {
          if (!call.write(this.answer(request))) {
            call.pause();
            call.once('drain', () => call.resume());
          }
        });
        call.on('end', () => call.end());
        call.on('error', () => {});
      },
    };
    server.addService(toGrpcDefinition(V1), handlers);
    server.addService(
      Object.fromEntries(
        Object.entries(toGrpcDefinition(V1)).map(([name, method]) => [
          name,
          { ...method, path: method.path.replace(V1.typeName, V1Alpha.typeName) },
        ]),
      ),
      handlers,
    );
  }

  /** The answer to one request; what is not known is an answer too. */
  answer(request: ServerReflectionRequest): ServerReflectionResponse {
    return create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: this.#respond(request.messageRequest),
    });
  }

  #respond(request: ServerReflectionRequest['messageRequest']): ServerReflectionResponse['messageResponse'] {
    switch (request.case) {
      case 'listServices': {
        const service = this.#services.map((name) => ({
          $typeName: 'grpc.reflection.v1.ServiceResponse' as const,
          name,
        }));
        return {
          case: 'listServicesResponse',
          value: { $typeName: 'grpc.reflection.v1.ListServiceResponse', service },
        };
      }
      case 'fileByFilename':
        return this.#file(this.#files.get(request.value), `no file ${request.value}`);
      case 'fileContainingSymbol':
        return this.#file(this.#symbols.get(request.value), `no symbol ${request.value}`);
      case 'fileContainingExtension':
      case 'allExtensionNumbersOfType':
        return failure(status.NOT_FOUND, 'no message here has extensions');
      default:
        return failure(status.INVALID_ARGUMENT, 'the request asks for nothing that is known');
    }
  }

  /** The file and all it imports: what a client needs to read one symbol. */
  #file(file: DescFile | undefined, missing: string): ServerReflectionResponse['messageResponse'] {
    if (file === undefined) return failure(status.NOT_FOUND, missing);
    const wanted = new Set<DescFile>([file]);
    for (const one of wanted) for (const dependency of one.dependencies) wanted.add(dependency);
    const fileDescriptorProto = [...wanted].map((one) => this.#encoded.get(one) ?? new Uint8Array());
    return {
      case: 'fileDescriptorResponse',
      value: { $typeName: 'grpc.reflection.v1.FileDescriptorResponse', fileDescriptorProto },
    };
  }

  #add(file: DescFile): void {
    if (this.#encoded.has(file)) return;
    this.#encoded.set(file, toBinary(FileDescriptorProtoSchema, file.proto));
    this.#files.set(file.proto.name, file);
    for (const type of nestedTypes(file)) {
      this.#symbols.set(type.typeName, file);
      if (type.kind !== 'service') continue;
      for (const method of type.methods) this.#symbols.set(`${type.typeName}.${method.name}`, file);
    }
    for (const dependency of file.dependencies) this.#add(dependency);
  }
}

function failure(errorCode: status, errorMessage: string): ServerReflectionResponse['messageResponse'] {
  return {
    case: 'errorResponse',
    value: { $typeName: 'grpc.reflection.v1.ErrorResponse', errorCode, errorMessage },
  };
}
