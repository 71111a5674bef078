import { sealCredentials } from '../api/seal.ts';
import type { Agent, EngineDescriptor, SealedServer } from '../api/types.ts';

/** What the form of a server holds: text as typed, by the name of the descriptor's field. */
export interface ServerDraft {
  id: string;
  agentId: string;
  engine: string;
  name: string;
  values: Record<string, string>;
}

/** The text each field starts with. */
export function initialValues(
  engine: EngineDescriptor,
  connection: Record<string, unknown> = {},
): Record<string, string> {
  return Object.fromEntries(
    engine.fields.map((field) => [field.name, String(connection[field.name] ?? field.default ?? '')]),
  );
}

/** The same for a server that an agent found: credentials are all that is left to type. */
export function foundValues(
  engine: EngineDescriptor,
  { host, port }: { host: string; port: number },
): Record<string, string> {
  const account = engine.fields.find(({ name }) => name === 'user');
  return initialValues(engine, {
    host,
    port,
    ...(account?.placeholder ? { user: account.placeholder } : {}),
  });
}

/** The connection object of the engine's schema; the password is never part of it. */
export function connectionOf(
  engine: EngineDescriptor,
  values: Record<string, string>,
): Record<string, unknown> {
  const connection: Record<string, unknown> = {};
  for (const field of engine.fields) {
    const text = values[field.name] ?? '';
    if (field.kind === 'secret' || text === '') continue;
    connection[field.name] = field.kind === 'number' ? Number(text) : text;
  }
  return connection;
}

function secretOf(engine: EngineDescriptor, values: Record<string, string>): string {
  const field = engine.fields.find(({ kind }) => kind === 'secret');
  return field ? (values[field.name] ?? '') : '';
}

/** Binds the credentials to agent, server and connection, and seals them to the agent. */
export async function sealDraft(
  draft: ServerDraft,
  engine: EngineDescriptor,
  agent: Agent,
): Promise<SealedServer> {
  const sealed = await sealCredentials(
    {
      v: 1,
      agentId: agent.id,
      serverId: draft.id,
      name: draft.name.trim(),
      engine: engine.id,
      connection: connectionOf(engine, draft.values),
      password: secretOf(engine, draft.values),
    },
    agent.sealingKey,
  );
  return { id: draft.id, agentId: agent.id, name: draft.name.trim(), engine: engine.id, sealed };
}
