import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { SampleMesh } from './sample-mesh.ts';
import { SampleServer } from './sample-server.ts';

const chromiumPath = process.env.STARLING_CHROMIUM ?? '/usr/bin/chromium';
const root = path.join(import.meta.dirname, '..');

/** What people run. */
export const startScript = path.join(root, 'start.mjs');

const built = path.join(root, '.next', 'standalone', 'apps', 'dashboard', 'server.js');

/** Why tests of the built dashboard cannot run here; null when they can. Under STARLING_REQUIRE_ALL=1 they run, and fail. */
export function missingBuild(): string | null {
  if (process.env.STARLING_REQUIRE_ALL === '1' || existsSync(built)) return null;
  return 'the dashboard is not built: npm run build -w @starling/dashboard';
}

/** Why tests in a browser cannot run here, likewise. */
export function missingTool(): string | null {
  if (process.env.STARLING_REQUIRE_ALL === '1' || existsSync(chromiumPath)) return missingBuild();
  return 'no Chromium: apt-get install -y chromium';
}

/** A browser with a profile of its own, without GPU and without a word to the outside. */
export async function openBrowser(options: { width?: number; height?: number; scheme?: 'light' | 'dark' } = {}) {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'starling-chromium-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    headless: true,
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    colorScheme: options.scheme ?? 'dark',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // WebGL without a GPU. The rest of the page by the processor too, not by an imitation of a GPU: that took six times as long.
      '--enable-unsafe-swiftshader',
    ],
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** A built dashboard as a process of its own. */
export interface Dashboard {
  readonly url: string;
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts the built dashboard on a free port of loopback, and waits until it answers; rejects with what it said when it exits. */
export async function startDashboard(peers: readonly string[], env: Record<string, string> = {}): Promise<Dashboard> {
  const settings = {
    HOSTNAME: '127.0.0.1',
    PORT: String(await freePort()),
    STARLING_PEERS: peers.join(','),
    STARLING_PARENT_PID: String(process.pid),
    ...env,
  };
  const child = spawn(process.execPath, [startScript], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-2_000);
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const url = `http://127.0.0.1:${settings.PORT}`;
  const answering = poll(
    async () => (await fetch(`${url}/healthz`)).ok && child.exitCode === null,
    'the dashboard to answer',
    40_000,
  );
  const failed = exited.then((code) => {
    throw new Error(`the dashboard exited with ${code}: ${said}`);
  });
  await Promise.race([answering, failed]);
  failed.catch(() => undefined);
  return {
    url,
    process: child,
    exited,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** A dashboard on a sample mesh, looked at in a browser: what most specs need. Good between beforeAll and afterAll. */
export interface SampleStage {
  readonly servers: readonly SampleServer[];
  readonly dashboard: Dashboard;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Goes to a page of the dashboard, and waits until it shows the mesh as it is now. */
  open(path: string): Promise<void>;
}

/** How a stage is set. */
export interface SampleStageOptions {
  /** Peers of the mesh that serve; the dashboard is told of all. Left out: one. */
  readonly served?: number;
  /** Everybody reports anew so often. */
  readonly tickMs: number;
  /** How long the page's steps may take. */
  readonly patienceMs?: number;
  readonly env?: Record<string, string>;
}

/** Sets a stage before the tests of the suite that calls it, and clears it after them. */
export function sampleDashboard(mesh: SampleMesh, options: SampleStageOptions): SampleStage {
  const servers: SampleServer[] = [];
  let dashboard: Dashboard;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let page: Page;
  let beat: NodeJS.Timeout;
  beforeAll(async () => {
    for (const id of mesh.ids.slice(0, options.served ?? 1)) servers.push(await new SampleServer(mesh, id).start());
    dashboard = await startDashboard(
      servers.map(({ address }) => address),
      options.env,
    );
    browser = await openBrowser();
    page = await browser.context.newPage();
    page.setDefaultTimeout(options.patienceMs ?? 30_000);
    beat = setInterval(() => mesh.tick(), options.tickMs);
  }, 90_000);
  afterAll(async () => {
    clearInterval(beat);
    await browser?.close();
    await dashboard?.stop();
    for (const server of servers) server.stop();
  });
  return {
    servers,
    get dashboard() {
      return dashboard;
    },
    get context() {
      return browser.context;
    },
    get page() {
      return page;
    },
    open: async (path) => {
      await page.goto(dashboard.url + path);
      await page.getByTestId('freshness').getByText('Live').waitFor();
    },
  };
}

/** Asks again and again until it is so; a thrown error counts as "not yet". */
export async function poll(isSo: () => boolean | Promise<boolean>, what: string, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    try {
      if (await isSo()) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
}

/** A port of loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
