import { readFileSync } from 'node:fs';

/** The parent of a process by /proc; 0 where there is none or no /proc. */
function parentOf(pid) {
  try {
    // The second field is the command in brackets and may hold spaces; the parent is the second field after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Calls `stop` once when the process that started this one ends. Under `npm start` that is the shell that npm runs the
 * script with, and npm itself: a killed npm leaves its shell, and so this process, behind as an orphan.
 */
export function stopWhenAncestorsEnd(stop, intervalMs = 250) {
  const watched = [process.ppid];
  if (process.env.npm_lifecycle_event) watched.push(parentOf(process.ppid));
  const ancestors = watched.filter((pid) => pid > 1);
  const timer = setInterval(() => {
    if (process.ppid === watched[0] && ancestors.every(isAlive)) return;
    clearInterval(timer);
    stop();
  }, intervalMs);
  timer.unref();
}
