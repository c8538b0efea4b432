export { Bans, type BansStats } from './bans.ts';
export { assertBansConfig, type BansConfig, defaultBansConfig } from './config.ts';
export {
  type Ban,
  type BanReader,
  type BanRefusal,
  type BansCommand,
  type BansEvent,
  type BansMessage,
  banRefusals,
  type ListedBan,
  type SignedBan,
} from './messages.ts';
