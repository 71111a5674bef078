import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { TLS_MODES } from '../../protocol/engines/engine.ts';
import { ENGINE_IDS, ENGINES, type EngineId } from '../../protocol/engines/registry.ts';
import { fail } from '../../protocol/failure.ts';
import type { DiscoveredServer, KnownServer } from '../../protocol/messages.ts';
import type { LoadConfig } from '../cli.ts';
import { discoverServers } from '../discovery/discover.ts';
import { driverFor } from '../engines/registry.ts';
import { openServer } from '../jobs/parts.ts';
import { printable } from '../log.ts';
import { readSecret } from '../secrets.ts';
import { createServerStore, type ServerStore } from '../state/servers.ts';

interface AddOptions {
  engine: EngineId;
  host: string;
  port?: number;
  user: string;
  tls: string;
  ca?: string;
  passwordFile?: string;
  set: Record<string, string>;
  id?: string;
  check: boolean;
}

/** `homeport-agent server add | list | remove | discover`: credentials that never touch a web page. */
export function serverCommand(config: LoadConfig): Command {
  const store = async () => createServerStore((await config()).stateDir);
  const command = new Command('server').description('the database servers this agent can log in to');
  command.addCommand(addCommand(store));
  command.addCommand(
    new Command('list').description('list them, without passwords').action(async () => {
      for (const server of await (await store()).list()) process.stdout.write(`${lineOf(server)}\n`);
    }),
  );
  command.addCommand(
    new Command('remove')
      .description('forget a server and its password; snapshots stay')
      .argument('<name>', 'name or id')
      .action(async (name: string) => {
        const server = await find(await store(), name);
        await (await store()).remove(server.id);
        process.stdout.write(`Removed ${lineOf(server)}\n`);
      }),
  );
  command.addCommand(
    new Command('discover')
      .description('look for database servers on this host; nothing is logged in to')
      .action(async () => {
        const { containerSockets } = await config();
        const parts = { servers: await store(), driverFor, containerSockets };
        const { notes, servers } = await discoverServers(parts, new AbortController().signal);
        for (const server of servers) process.stdout.write(`${foundLine(server)}\n`);
        if (servers.length === 0) process.stdout.write('No database server was found.\n');
        for (const note of notes) process.stderr.write(printable(`${note}\n`));
      }),
  );
  for (const sub of command.commands) sub.exitOverride();
  return command;
}

function addCommand(store: () => Promise<ServerStore>): Command {
  return new Command('add')
    .description('log in to a server and keep its credentials; the password is read from standard input')
    .argument('<name>', 'name shown for this server')
    .requiredOption('--engine <engine>', `one of: ${ENGINE_IDS.join(', ')}`, parseEngine)
    .requiredOption('--host <host>', 'host name, address, or the directory of a unix socket')
    .requiredOption('--user <user>', 'account to log in with')
    .option('--port <port>', 'port, where it is not the engine’s usual one', parsePort)
    .option('--tls <mode>', TLS_MODES.join(', '), 'prefer')
    .option('--ca <file>', 'PEM of the CA to trust with verify-full')
    .option('--set <key=value>', 'a setting of this engine only', parseSetting, {})
    .option('--password-file <file>', 'read the password from a file of mode 0600; - is standard input')
    .option('--id <id>', 'go on with this server of the agent whose place this one took', parseId)
    .option('--no-check', 'keep the credentials without logging in once')
    .action(async (name: string, options: AddOptions) => {
      const server = await add(await store(), name, options);
      process.stdout.write(`Added ${lineOf(server)}\n`);
    });
}

async function add(store: ServerStore, name: string, options: AddOptions): Promise<KnownServer> {
  const known = await store.list();
  if (known.some((server) => server.name === name))
    throw fail('conflict', `There is a server “${name}” already.`, 'Remove it first, or use another name.');
  const same = known.find((server) => server.id === options.id);
  if (same)
    throw fail('conflict', `The server with this id is here already, as “${same.name}”.`, 'Remove it first.');
  const { engine, host, user, tls } = options;
  const connection = {
    host,
    port: options.port ?? ENGINES[engine].descriptor.defaultPort,
    user,
    tls,
    ...(options.ca ? { ca: await readFile(options.ca, 'utf8') } : {}),
    ...options.set,
  };
  const parsed = { ...driverFor(engine).parseConnection(connection) };
  const password = await readSecret('Password', options.passwordFile);
  const server = { id: options.id ?? randomUUID(), name, engine, connection: parsed, password };
  if (options.check) {
    const { driver, target } = openServer({ driverFor }, server);
    const nobody = { signal: AbortSignal.timeout(30_000), log: () => undefined, phase: () => undefined };
    const facts = await driver.probe(target, nobody);
    process.stdout.write(
      `Logged in as ${facts.user} (${facts.privileges}), server version ${facts.version}\n`,
    );
  }
  return store.put(server);
}

async function find(store: ServerStore, name: string): Promise<KnownServer> {
  const server = (await store.list()).find((known) => known.id === name || known.name === name);
  if (!server) throw fail('not_found', `There is no server “${name}”.`, 'See: homeport-agent server list');
  return server;
}

function foundLine({ container, engine, host, port, serverId, version }: DiscoveredServer): string {
  const parts = [
    `${engine}${version ? ` ${version}` : ''}`,
    host.startsWith('/') ? `${host} (port ${port})` : `${host}:${port}`,
    ...(container ? [`container ${container}`] : []),
    ...(serverId ? [`added: ${serverId}`] : []),
  ];
  return printable(parts.join('  '));
}

function lineOf({ id, name, engine, connection }: KnownServer): string {
  // The control plane may have chosen the name.
  return printable(`${name}  ${engine}  ${connection.user}@${connection.host}:${connection.port}  ${id}`);
}

function parseEngine(text: string): EngineId {
  const engine = ENGINE_IDS.find((id) => id === text);
  if (!engine) throw new InvalidArgumentError(`Use one of: ${ENGINE_IDS.join(', ')}.`);
  return engine;
}

function parseId(text: string): string {
  const id = z.uuid().safeParse(text.toLowerCase());
  if (!id.success) throw new InvalidArgumentError('Not an id: copy it from the agent’s page.');
  return id.data;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('Not a port.');
  return port;
}

function parseSetting(text: string, earlier: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as key=value.');
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}
