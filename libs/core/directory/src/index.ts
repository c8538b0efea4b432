export { type DirectoryConfig, defaultDirectoryConfig } from './config.ts';
export { Directory, type DirectoryStats } from './directory.ts';
export type {
  DirectoryBroadcast,
  DirectoryCommand,
  DirectoryEvent,
  DirectoryMessage,
  MemberRecord,
} from './messages.ts';
