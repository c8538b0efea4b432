import { mesh } from '../../server/mesh.ts';

export const dynamic = 'force-dynamic';

/** This server in figures, for Prometheus. Those of the mesh are at its peers. */
export function GET(): Response {
  const { hub } = mesh();
  const gauges = [
    ['starling_dashboard_viewers', 'Browsers that look', hub.viewers],
    ['starling_dashboard_watching', '1 while the mesh is watched', hub.isWatching ? 1 : 0],
    ['starling_dashboard_past_frames', 'Pictures of the past that are held', hub.past.times().length],
    ['starling_dashboard_past_bytes', 'Bytes of them, packed', hub.past.bytes],
  ] as const;
  const lines = gauges.map(
    ([name, help, value]) => `# HELP ${name} ${help}.\n# TYPE ${name} gauge\n${name} ${value}\n`,
  );
  return new Response(lines.join(''), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } });
}
