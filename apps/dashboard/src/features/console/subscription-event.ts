import type { MeshProblem } from '../../server/mesh-client.ts';

/** What a subscription in the console hears. */
export type SubscriptionEvent =
  | {
      readonly kind: 'message';
      readonly messageId: string;
      readonly topic: string;
      readonly origin: string;
      readonly sequence: number;
      readonly publishTime: number;
      readonly hops: number;
      readonly isReplayed: boolean;
      readonly headers: Readonly<Record<string, string>>;
      /** As text when it is UTF-8, else in hexadecimal; the beginning only. */
      readonly preview: string;
      readonly isText: boolean;
      readonly bytes: number;
    }
  | {
      readonly kind: 'gap';
      readonly origin: string;
      readonly first: number;
      readonly last: number;
      readonly reason: string;
    }
  | { readonly kind: 'live' }
  | { readonly kind: 'problem'; readonly problem: MeshProblem };
