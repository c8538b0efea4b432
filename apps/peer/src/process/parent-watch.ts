/** How often it is looked whether the parent still is there. A quarter of the second in which the peer is to be gone. */
const pollMs = 250;

export interface ParentWatchOptions {
  /** 0: none. */
  readonly pid: number;
  /** Whether the end of standard input counts too. */
  readonly stdin: boolean;
}

/**
 * Calls `gone` once when the parent process is no more: npm passes no SIGTERM on, and a killed parent sends none. Returns
 * the way to stop watching.
 */
export function watchParent({ pid, stdin }: ParentWatchOptions, gone: (why: string) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const ended = (): void => done('standard input ended');
  const stop = (): void => {
    clearInterval(timer);
    process.stdin.off('end', ended).off('close', ended);
  };
  const done = (why: string): void => {
    stop();
    gone(why);
  };
  if (pid > 0) {
    // A dead parent that nobody has reaped still answers signal 0, but its children have another parent by then.
    const isChild = process.ppid === pid;
    timer = setInterval(() => {
      if ((isChild && process.ppid !== pid) || !exists(pid)) done(`process ${pid} is gone`);
    }, pollMs);
    timer.unref();
  }
  if (stdin) process.stdin.once('end', ended).once('close', ended).resume();
  return stop;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
