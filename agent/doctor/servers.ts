import type { CheckResult } from '../../protocol/doctor.ts';
import { ENGINE_IDS, type EngineId, engineDefinition } from '../../protocol/engines/registry.ts';
import type { KnownServer } from '../../protocol/messages.ts';
import type { EngineDriver, ToolFact } from '../engines/driver.ts';
import { type JobParts, openServer } from '../jobs/parts.ts';
import { type Finding, found, look, ok, type Subject, skipped, trouble } from './check.ts';

/** How long a login and the questions after it may take, in milliseconds. */
const SERVER_MS = 20_000;
const TOOLS_MS = 15_000;
/** Servers asked at the same time. */
const AT_ONCE = 8;

type Parts = Pick<JobParts, 'servers' | 'driverFor'>;

/** The client programs of each engine: what is there, and what should be updated. */
export function lookAtTools(parts: Pick<Parts, 'driverFor'>): Promise<CheckResult[]> {
  return Promise.all(
    ENGINE_IDS.map((engine) =>
      look({ id: `tools.${engine}`, title: `Client tools of ${labelOf(engine)}` }, TOOLS_MS, async () =>
        toolsFinding(await parts.driverFor(engine).detect(), engine),
      ),
    ),
  );
}

function toolsFinding(tools: readonly ToolFact[], engine: EngineId): Finding {
  if (tools.length === 0) return ok(`None. They are needed for servers of ${labelOf(engine)} only.`);
  const listed = tools.map(({ name, path, version }) => `${name} ${version} (${path})`).join(', ');
  const old = tools.filter(({ safer }) => safer !== undefined);
  if (old.length === 0) return ok(`${listed}.`);
  const named = old.map(({ name, safer, version }) => `${name} ${version} (safe from ${safer} on)`);
  return trouble('warning', `Known vulnerabilities: ${named.join(', ')}. Found: ${listed}.`, {
    fix: 'Update the package they are from; the agent takes the new ones without a restart.',
  });
}

/**
 * Every server the agent has credentials for: whether it can log in, and has the tools for it.
 * @param patienceMs no server is begun with after this
 */
export async function lookAtServers(parts: Parts, patienceMs: number): Promise<CheckResult[]> {
  let servers: KnownServer[] = [];
  const list = await look({ id: 'servers', title: 'Database servers' }, SERVER_MS, async () => {
    servers = await parts.servers.list();
    if (servers.length > 0) return ok(`${servers.length} known.`);
    return ok('None is known yet: add one in the web UI, or with “homeport-agent server add”.');
  });
  const results: CheckResult[] = [];
  const enough = performance.now() + patienceMs;
  const next = servers.entries();
  const work = async () => {
    for (const [at, server] of next) {
      const late = performance.now() > enough;
      results[at] = late ? found(subjectOf(server), NO_TIME) : await lookAtServer(parts, server);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return [list, ...results];
}

const NO_TIME = skipped('Not looked at: the servers before it took too long. Run this on the agent’s host.');

function subjectOf({ connection, engine, id, name }: KnownServer): Subject {
  const title = `${name}: ${labelOf(engine)} at ${connection.host}:${connection.port}`;
  return { id: `server.${id}`, title: title.slice(0, 400) };
}

function lookAtServer(parts: Parts, server: KnownServer): Promise<CheckResult> {
  return look(subjectOf(server), SERVER_MS, async (signal) => {
    const { id } = server;
    const { driver, target } = openServer(parts, await parts.servers.get(id));
    const nobody = { signal, log: () => undefined, phase: () => undefined };
    const facts = await driver.probe(target, nobody);
    const tools = await toolWords(driver, facts.version, signal);
    const words = [
      `Logged in as ${facts.user} (${facts.privileges}), server version ${facts.version}`,
      facts.tls ? 'encrypted' : 'not encrypted',
      `${facts.latencyMs} ms`,
      tools,
    ];
    return ok(`${words.join(', ')}.`);
  });
}

async function toolWords(driver: EngineDriver, version: string, signal: AbortSignal): Promise<string> {
  const tools = await driver.toolsFor(version, signal);
  return `with ${tools.map((tool) => `${tool.name} ${tool.version}`).join(' and ')}`;
}

function labelOf(engine: string): string {
  return engineDefinition(engine)?.descriptor.label ?? engine;
}
