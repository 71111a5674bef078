import { z } from 'zod';
import { doctorReportSchema } from '../../protocol/doctor.ts';
import { OWNER_CHOICES, RESTORE_MODES, RESTORE_SWITCHES } from '../../protocol/engines/engine.ts';
import { inventorySchema, REQUESTS } from '../../protocol/messages.ts';
import {
  agentState,
  bytes,
  count,
  failure,
  named,
  reference,
  time,
  timeOrNull,
  uuid,
} from './shapes-common.ts';
import { policyChoice } from './shapes-policies.ts';

export const agent = named(
  'Agent',
  z.object({
    id: uuid,
    name: z.string(),
    state: agentState,
    connectedSince: timeOrNull,
    lastSeenAt: timeOrNull,
    version: z.string().nullable(),
    /** SHA-256 of its public identity key, base64url. */
    fingerprint: z.string(),
    /** age recipient that credentials are sealed to. */
    sealingKey: z.string(),
    inventory: named('Inventory', inventorySchema).nullable(),
    createdAt: time,
    labels: z.array(z.string()),
    policyChoice,
    serverCount: count,
    databaseCount: count,
    waitingServerCount: count,
    predecessor: reference.nullable(),
    successor: reference.nullable(),
  }),
);

export const discovery = named('Discovery', REQUESTS['servers.discover'].value);
export const doctorReport = named('DoctorReport', doctorReportSchema);

export const enrolmentToken = named(
  'EnrolmentToken',
  z.object({
    id: uuid,
    name: z.string().nullable(),
    successorOf: reference.nullable(),
    createdBy: z.string(),
    createdAt: time,
    expiresAt: time,
  }),
);

export const newEnrolmentToken = named(
  'NewEnrolmentToken',
  z.object({
    id: uuid,
    token: z.string(),
    url: z.string(),
    command: z.string(),
    via: z.enum(['install', 'checkout']),
    expiresAt: time,
    successorOf: reference.nullable(),
  }),
);

export const update = named(
  'Update',
  z.object({
    id: uuid,
    agentId: uuid,
    fromVersion: z.string(),
    toVersion: z.string(),
    state: z.enum(['fetching', 'applying', 'succeeded', 'failed']),
    requestedBy: z.string(),
    failure: failure.nullable(),
    createdAt: time,
    finishedAt: timeOrNull,
  }),
);

export const rollout = named(
  'Rollout',
  z.object({
    id: uuid,
    version: z.string(),
    state: z.enum(['running', 'succeeded', 'stopped']),
    requestedBy: z.string(),
    batches: z.array(
      z.array(
        z.object({
          agentId: uuid,
          name: z.string(),
          state: z.enum(['fetching', 'applying', 'succeeded', 'failed', 'waiting', 'skipped']),
        }),
      ),
    ),
    failure: failure.nullable(),
    createdAt: time,
    finishedAt: timeOrNull,
  }),
);

export const updates = named(
  'Updates',
  z.object({
    served: z.object({ version: z.string(), key: z.string().nullable() }).nullable(),
    failure: failure.nullable(),
    rollout: rollout.nullable(),
    agents: z.array(
      z.object({
        agentId: uuid,
        name: z.string(),
        state: agentState,
        version: z.string().nullable(),
        available: z.string().nullable(),
        update: update.nullable(),
      }),
    ),
  }),
);

export const server = named(
  'Server',
  z.object({
    id: uuid,
    agentId: uuid,
    agentName: z.string(),
    agentState,
    name: z.string(),
    engine: z.string(),
    /** As the engine's form has it, without the password. */
    connection: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    addedOnHost: z.boolean(),
    removedFromAgent: z.boolean(),
    awaitsCredentialsSince: timeOrNull,
    version: z.string().nullable(),
    policyChoice,
    createdAt: time,
    databaseCount: count,
    autoProtect: z.object({ since: time, failure: failure.nullable() }).nullable(),
  }),
);

export const probe = named('Probe', REQUESTS['server.probe'].value);

export const availableDatabases = named(
  'AvailableDatabases',
  z.object({
    databases: z.array(
      z.object({
        name: z.string(),
        sizeBytes: bytes.nullable(),
        owner: z.string().nullable(),
        connectable: z.boolean(),
        databaseId: uuid.nullable(),
      }),
    ),
  }),
);

const choice = { label: z.string(), help: z.string() };
const field = z.object({
  name: z.string(),
  label: z.string(),
  kind: z.enum(['text', 'number', 'secret', 'choice', 'multiline']),
  required: z.boolean(),
  default: z.union([z.string(), z.number()]).optional(),
  placeholder: z.string().optional(),
  help: z.string().optional(),
  choices: z.array(z.object({ value: z.string(), ...choice })).optional(),
});
const recipe = z.object({
  id: z.string(),
  platform: z.string(),
  scope: z.enum(['all', 'single']),
  label: z.string(),
  sql: z.string(),
  note: z.string(),
});

export const engine = named(
  'Engine',
  z.object({
    id: z.string(),
    label: z.string(),
    defaultPort: z.number().int(),
    identifierQuote: z.string(),
    backslashEscapes: z.boolean(),
    fields: z.array(field),
    accounts: z.array(recipe),
    restoreModes: z.array(z.object({ id: z.enum(RESTORE_MODES), ...choice })),
    ownerChoices: z.array(z.object({ id: z.enum(OWNER_CHOICES), ...choice })),
    ownership: z.object({ legend: z.string(), mapLabel: z.string(), mapHelp: z.string() }),
    restoreSwitches: z.array(z.object({ id: z.enum(RESTORE_SWITCHES), ...choice })),
    tablePattern: z.object({ placeholder: z.string(), help: z.string() }),
    download: z.object({
      stream: z.string(),
      extension: z.string(),
      mediaType: z.string(),
      restoreCommand: z.string(),
    }),
  }),
);
