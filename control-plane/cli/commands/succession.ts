import { type Command, InvalidArgumentError } from 'commander';
import type { Client } from '../remote/client.ts';
import { agentCalled, serverCalled } from '../remote/resolve.ts';
import { sealServer } from '../remote/seal.ts';
import { newTokenShape, type Server, serverFactsShape, serverShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, remark, say, sayJson, sayTable } from '../say.ts';
import { readSecret } from '../secrets.ts';
import { counted, when } from '../text.ts';
import { confirmName } from './confirm.ts';
import { connect } from './session.ts';

/** `replace-agent`, `credentials`: an agent's host is lost, and another one takes its place. */
export function addSuccessionCommands(root: Command): void {
  root
    .command('replace-agent')
    .description('make a token for an agent on another host that takes the place of a lost one')
    .argument('<agent>', 'id or name of the lost agent')
    .option('--name <name>', 'name of the new agent (default: that of the lost one)')
    .option('--confirm <name>', 'the lost agent’s name, which is asked for while it is online')
    .option(...JSON_OPTION)
    .action(replaceAgent);
  root
    .command('credentials')
    .description('list the servers that wait for credentials, or enter those of one')
    .argument('[server]', 'id, name or agent/server')
    .option('--user <user>', 'account to log in with (default: as before)')
    .option('--host <host>', 'host name or address, as the agent sees it (default: as before)')
    .option('--port <port>', 'port (default: as before)', parsePort)
    .option('--password-file <file>', 'read the password from a file of mode 0600; - is standard input')
    .option('--no-check', 'keep them without logging in once')
    .option(...JSON_OPTION)
    .action(credentials);
}

interface ReplaceOptions extends Json {
  name?: string;
  confirm?: string;
}

async function replaceAgent(wanted: string, { confirm, json, name }: ReplaceOptions): Promise<void> {
  const client = await connect();
  const agent = await agentCalled(client, wanted);
  const online = agent.state === 'online';
  if (online || confirm !== undefined)
    await confirmName(
      { name: agent.name, what: 'agent' },
      `“${agent.name}” is ${agent.state}; it will be cut off for good.`,
      confirm,
    );
  const wish = {
    successorOf: agent.id,
    ...(name === undefined ? {} : { name }),
    ...(online || confirm !== undefined ? { confirm: agent.name } : {}),
  };
  const made = await client.post('/enrolment-tokens', wish, newTokenShape);
  if (json) return sayJson(made);
  remark(
    `Run this on the new host${made.via === 'install' ? ' (as root, leave “sudo” out)' : ', in a checkout of Homeport'}; the token works once, until ${when(made.expiresAt)}:`,
  );
  say(made.command);
  remark(
    `${counted(agent.serverCount, 'server')} will wait for credentials then: homeport credentials lists them.`,
  );
}

interface CredentialsOptions extends Json {
  user?: string;
  host?: string;
  port?: number;
  passwordFile?: string;
  check: boolean;
}

async function credentials(wanted: string | undefined, options: CredentialsOptions): Promise<void> {
  const client = await connect();
  if (wanted === undefined) return listWaiting(client, options.json);
  const server = await serverCalled(client, wanted);
  const agent = await agentCalled(client, server.agentId);
  const connection = {
    ...server.connection,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.user === undefined ? {} : { user: options.user }),
  };
  const password = await readSecret(`Password of ${connection.user} on ${server.name}`, options.passwordFile);
  const sealed = await sealServer(server, agent, { connection, password });
  const { agentId, engine, id, name } = server;
  if (options.check) {
    const probe = { agentId, serverId: id, name, sealed };
    const { privileges, user, version } = await client.post('/servers/probe', probe, serverFactsShape);
    remark(`${agent.name} logged in as ${user} (${privileges}), server version ${version}.`);
  }
  const saved = await client.put(`/servers/${id}`, { agentId, name, engine, sealed }, serverShape);
  if (options.json) return sayJson(saved);
  say(
    `${agent.name} has the credentials of ${name}, with ${counted(saved.databaseCount, 'protected database')}.`,
  );
}

async function listWaiting(client: Client, json: true | undefined): Promise<void> {
  const all = await client.list('/servers', serverShape);
  const waiting = all.filter(({ awaitsCredentialsSince }) => awaitsCredentialsSince);
  if (json) return sayJson(waiting);
  const rows = waiting.map((one) => [
    one.name,
    one.engine,
    reachedAs(one),
    one.agentName,
    when(one.awaitsCredentialsSince),
    String(one.databaseCount),
    one.id,
  ]);
  const heading = ['NAME', 'ENGINE', 'ACCOUNT', 'AGENT', 'WAITS SINCE', 'DATABASES', 'ID'];
  sayTable(heading, rows, 'No server waits for credentials.');
  if (rows.length > 0) remark('Enter them: homeport credentials NAME');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('Not a port.');
  return port;
}

function reachedAs({ connection: { host, port, user } }: Server): string {
  return host === undefined ? '–' : `${user}@${host}:${port}`;
}
