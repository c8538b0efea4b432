const hidden: ReadonlySet<string> = new Set(['time', 'level', 'message', 'area', 'peer']);

/** One JSON log line as text for people: time, level, who, what, and the rest as `key=value`. */
export function textLine(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(line)
    .filter(([key]) => !hidden.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  const time = String(line.time).slice(11, 23);
  return `${time} ${String(line.level).toUpperCase().padEnd(5)} ${line.peer} ${line.area}: ${line.message}${rest}\n`;
}
