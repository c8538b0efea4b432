/** The thread of the local index: opens the file and does one job after the other, so that the mesh's thread never waits for a disk. */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type IndexJob, type IndexReply, type IndexThreadData, indexMark } from './index-protocol.ts';
import { SqliteIndex } from './sqlite-index.ts';

function run(port: MessagePort, data: IndexThreadData): void {
  // What is thrown here ends the thread; whoever started it hears why.
  const index = new SqliteIndex(data);
  const say = (reply: ReplyOf): void => {
    port.postMessage({ ...reply, size: index.size, bytes: index.bytes });
  };
  say({ kind: 'open', brokenFile: index.brokenFile });
  port.on('message', (job: IndexJob) => {
    if (job.kind === 'close') {
      const { size, bytes } = index;
      index.close();
      port.postMessage({ kind: 'closed', size, bytes } satisfies IndexReply);
      port.close();
      return;
    }
    try {
      say(replyOf(index, job));
    } catch (error) {
      say({ kind: 'failed', problem: (error as Error).message });
    }
  });
}

type WithoutTotals<R> = R extends IndexReply ? Omit<R, 'size' | 'bytes'> : never;
type ReplyOf = WithoutTotals<IndexReply>;

function replyOf(index: SqliteIndex, job: Exclude<IndexJob, { readonly kind: 'close' }>): ReplyOf {
  switch (job.kind) {
    case 'put':
      return { kind: 'put', result: index.put(job.documents) };
    case 'delete':
      return { kind: 'delete', deleted: index.delete(job.ids) };
    case 'search':
      return { kind: 'search', answer: index.search(job.question) };
    case 'terms':
      return { kind: 'terms', terms: index.terms(job.countMax) };
  }
}

const data = workerData as Partial<IndexThreadData> | null;
if (!isMainThread && parentPort !== null && data?.mark === indexMark) run(parentPort, data as IndexThreadData);
