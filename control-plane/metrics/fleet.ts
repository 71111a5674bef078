import type { Registry } from '../agents/registry.ts';
import { CONDITIONS, countByCondition } from '../db/database-list.ts';
import { liveAgents, type MeasuredDatabase, measuredDatabases, measuredVaults } from '../db/measures.ts';
import type { Db } from '../db/open.ts';
import type { Family, Sample } from './exposition.ts';

/** @param now ms since the epoch */
export function databaseFamilies(db: Db, now: number): Family[] {
  const counts = countByCondition(db, { agentIds: null });
  const all = measuredDatabases(db);
  return [
    {
      name: 'homeport_databases',
      type: 'gauge',
      help: 'Databases that are protected or have snapshots, by how they stand: the first condition that holds.',
      samples: CONDITIONS.map((condition) => ({ labels: { condition }, value: counts.get(condition) ?? 0 })),
    },
    {
      name: 'homeport_database_backup_age_seconds',
      type: 'gauge',
      help: 'Time since the newest good backup of a protected database was committed; +Inf where there is none.',
      samples: all.map((one) => ({ labels: labelsOf(one), value: ageOf(one, now) })),
    },
    {
      name: 'homeport_database_backup_failed_timestamp_seconds',
      type: 'gauge',
      help: 'When the newest backup of a protected database failed, with the code; of those alone whose newest did.',
      samples: all.flatMap(failureOf),
    },
  ];
}

function labelsOf({ agentName, id, name, serverName }: MeasuredDatabase) {
  return { database_id: id, database: name, server: serverName, agent: agentName };
}

function ageOf({ backedUpAt }: MeasuredDatabase, now: number): number {
  return backedUpAt === null ? Number.POSITIVE_INFINITY : Math.max(0, now - backedUpAt) / 1000;
}

function failureOf(one: MeasuredDatabase): Sample[] {
  if (one.failedAt === null) return [];
  // Lost ones carry no failure of their own where their agent never came back.
  return [
    { labels: { ...labelsOf(one), code: one.failureCode ?? 'lease_lost' }, value: one.failedAt / 1000 },
  ];
}

export function agentFamilies(db: Db, registry: Registry): Family[] {
  const all = liveAgents(db).map((agent) => ({ ...agent, online: registry.isOnline(agent.id) }));
  const online = all.filter((agent) => agent.online).length;
  return [
    {
      name: 'homeport_agents',
      type: 'gauge',
      help: 'Agents that are not revoked, by whether they are connected.',
      samples: [
        { labels: { state: 'online' }, value: online },
        { labels: { state: 'offline' }, value: all.length - online },
      ],
    },
    {
      name: 'homeport_agent_online',
      type: 'gauge',
      help: 'Whether an agent is connected: 1 or 0.',
      samples: all.map(({ id, name, online: up }) => ({
        labels: { agent_id: id, agent: name },
        value: up ? 1 : 0,
      })),
    },
  ];
}

export function vaultFamilies(db: Db): Family[] {
  const all = measuredVaults(db);
  const gauge = (name: string, help: string, column: 'snapshots' | 'packs' | 'bytes'): Family => ({
    ...{ name, help, type: 'gauge' },
    samples: all.map((vault) => ({
      labels: { vault_id: vault.id, vault: vault.name },
      value: vault[column],
    })),
  });
  return [
    gauge('homeport_vault_snapshots', 'Snapshots in a vault.', 'snapshots'),
    gauge('homeport_vault_packs', 'Packs in a vault.', 'packs'),
    gauge('homeport_vault_stored_bytes', 'Bytes of all packs of a vault.', 'bytes'),
  ];
}
