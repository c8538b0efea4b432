import { ServerInterceptingCall } from '@grpc/grpc-js';

type Listener = Parameters<ServerInterceptingCall['start']>[0];

/** A call whose handler can be told that it is over, and is told once. */
export class GuardedCall extends ServerInterceptingCall {
  #listener: Listener | null = null;

  override start(listener: Listener): void {
    let isCancelled = false;
    this.#listener = {
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => {
        if (!isCancelled) listener.onCancel();
        isCancelled = true;
      },
    };
    super.start(this.#listener);
  }

  cancel(): void {
    this.#listener?.onCancel();
  }
}
