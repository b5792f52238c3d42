/** A client made of @grpc/grpc-js, which shares no code with the server, for any generated service. */
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type StatusObject,
} from "@grpc/grpc-js";

/** What goes with a call beside its message. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly deadline_ms?: number;
}

/** How a unary call ended. `status.code` 0 means that there is a message. */
export interface UnaryResult<O> {
  readonly message: O | null;
  readonly status: StatusObject;
  readonly headers: Metadata;
}

export interface GrpcClient {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<UnaryResult<MessageShape<O>>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): ClientReadableStream<MessageShape<O>>;
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options?: CallOptions,
  ): ClientDuplexStream<MessageShape<I>, MessageShape<O>>;
  close(): void;
}

/** Opens a client; `address` is `host:port`, `defaults` are headers of every call. */
export function openGrpcClient(address: string, defaults: Readonly<Record<string, string>> = {}): GrpcClient {
  // A channel of its own: grpc-js shares connections between clients of one address otherwise.
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  return {
    unary(method, request, options = {}) {
      return new Promise((resolve) => {
        let headers = new Metadata();
        const call = client.makeUnaryRequest(
          pathOf(method),
          writer(method.input),
          reader(method.output),
          create(method.input, request),
          metadataOf(defaults, options),
          callOptions(options),
          (error, message) => {
            const status = error ?? { code: 0, details: "", metadata: new Metadata() };
            resolve({ message: message ?? null, status, headers });
          },
        );
        call.on("metadata", (received) => {
          headers = received;
        });
      });
    },
    stream(method, request, options = {}) {
      return client.makeServerStreamRequest(
        pathOf(method),
        writer(method.input),
        reader(method.output),
        create(method.input, request),
        metadataOf(defaults, options),
        callOptions(options),
      );
    },
    duplex: (method, options = {}) =>
      client.makeBidiStreamRequest(
        pathOf(method),
        writer(method.input),
        reader(method.output),
        metadataOf(defaults, options),
        callOptions(options),
      ),
    close: () => client.close(),
  };
}

/** The status that a stream ends with; errors of the stream are told in it. */
export function statusOf(stream: ClientReadableStream<unknown>): Promise<StatusObject> {
  stream.on("error", () => {});
  return new Promise((resolve) => stream.on("status", resolve));
}

function pathOf(method: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function writer<D extends DescMessage>(schema: D): (message: MessageShape<D>) => Buffer {
  return (message) => Buffer.from(toBinary(schema, message));
}

function reader<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => fromBinary(schema, bytes);
}

function metadataOf(defaults: Readonly<Record<string, string>>, options: CallOptions): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries({ ...defaults, ...options.headers })) {
    metadata.set(name, value);
  }
  return metadata;
}

function callOptions({ deadline_ms }: CallOptions): { deadline?: number } {
  return deadline_ms === undefined ? {} : { deadline: Date.now() + deadline_ms };
}
