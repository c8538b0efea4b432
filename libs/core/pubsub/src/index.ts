export { checkPubSubConfig, defaultPubSubConfig, type PubSubConfig } from './config.ts';
export { type Cursor, cursorLimits, decodeCursor, encodeCursor, mergeCursors } from './cursor.ts';
export type { GapReason, LogMessage, SubscriptionEvent } from './messages.ts';
export type { Parsed } from './parsed.ts';
export { type OpenOptions, PubSub, type PubSubStats } from './pubsub.ts';
export type { Subscription } from './subscription.ts';
export { type Pattern, parsePattern, parseTopic, type Topic, TopicMatcher, topicLimits } from './topic.ts';
