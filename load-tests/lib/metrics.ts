import { Counter, Rate, Trend } from 'k6/metrics';

/** Of the messages that a virtual user had to hear, those it heard. */
export const deliveryRatio = new Rate('delivery_ratio');
/** From just before a message was handed to one peer until another peer had delivered it. One clock: k6's own. */
export const deliveryMs = new Trend('delivery_ms', true);
/** Messages delivered more than once on one subscription; at least once is the contract, so they are only counted. */
export const duplicates = new Counter('duplicates');
/** Gaps that peers admitted. */
export const gaps = new Counter('gaps');
/** Of the calls and streams, those that ended with an error nobody provoked. */
export const errors = new Rate('errors');
/** Of the documents put at one peer, those that a query at another one found. */
export const searchRecall = new Rate('search_recall');
/** Of the questions, those that every peer answered. */
export const searchComplete = new Rate('search_complete');
/** From just before a question is asked until its first hit is here. */
export const searchFirstHitMs = new Trend('search_first_hit_ms', true);
/** … until its summary is. */
export const searchDoneMs = new Trend('search_done_ms', true);
