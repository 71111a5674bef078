import { z } from 'zod';
import { EXTRA_RIGHTS, RIGHTS, ROLES } from '../auth/rights.ts';
import { count, failure, named, time, timeOrNull, uuid } from './shapes-common.ts';

const role = z.enum(ROLES);
const rights = z.array(z.enum(RIGHTS));
const labels = z.array(z.string()).nullable();

/** Somebody whose account was made just now; the answer brings a session cookie. */
export const account = named(
  'Account',
  z.object({ user: z.object({ id: uuid, name: z.string(), email: z.string() }) }),
);

export const link = named(
  'Link',
  z.object({
    kind: z.enum(['invitation', 'recovery']),
    role,
    createdBy: z.string(),
    expiresAt: time,
    user: z.object({ name: z.string(), email: z.string() }).nullable(),
  }),
);

export const me = named(
  'Me',
  z.object({
    user: z.object({
      /** `host` for keys made on the control plane's host. */
      id: z.string(),
      name: z.string(),
      email: z.string(),
      role,
      labels,
      twoFactor: z.boolean(),
      hasPassword: z.boolean(),
    }),
    rights,
    controlPlane: z.object({ id: uuid, url: z.string(), version: z.string(), fingerprint: z.string() }),
  }),
);

export const session = named(
  'Session',
  z.object({
    id: uuid,
    current: z.boolean(),
    signedInAt: time,
    from: z.string().nullable(),
    userAgent: z.string().nullable(),
  }),
);

export const passkey = named(
  'Passkey',
  z.object({ id: uuid, name: z.string(), synced: z.boolean(), createdAt: timeOrNull }),
);

export const user = named(
  'User',
  z.object({
    id: uuid,
    name: z.string(),
    email: z.string(),
    role,
    extraRights: z.array(z.enum(EXTRA_RIGHTS)),
    /** Only agents with one of them; null: the whole fleet. */
    labels,
    createdAt: time,
    twoFactor: z.boolean(),
    manageable: z.boolean(),
  }),
);

const invitationFields = {
  id: uuid,
  note: z.string().nullable(),
  role,
  extraRights: z.array(z.enum(EXTRA_RIGHTS)),
  labels,
  createdBy: z.string(),
  createdAt: time,
  expiresAt: time,
};
export const invitation = named('Invitation', z.object(invitationFields));
export const newInvitation = named('NewInvitation', z.object({ ...invitationFields, url: z.string() }));

export const recoveryLink = named('RecoveryLink', z.object({ url: z.string(), expiresAt: time }));

export const apiKey = named(
  'ApiKey',
  z.object({
    id: uuid,
    name: z.string(),
    /** Its first characters. */
    start: z.string(),
    /** Null: all that its user may. */
    scopes: rights.nullable(),
    user: z.string().nullable(),
    createdAt: time,
    expiresAt: timeOrNull,
    lastUsedAt: timeOrNull,
  }),
);

export const newApiKey = named(
  'NewApiKey',
  z.object({
    id: uuid,
    key: z.string(),
    name: z.string(),
    createdAt: time,
    expiresAt: timeOrNull,
    scopes: rights,
  }),
);

export const auditEntry = named(
  'AuditEntry',
  z.object({
    id: z.number().int(),
    at: time,
    actor: z.object({
      kind: z.enum(['user', 'api-key', 'agent', 'system']),
      id: z.string().nullable(),
      name: z.string().nullable(),
    }),
    action: z.string(),
    target: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }).nullable(),
    from: z.string().nullable(),
    details: z.record(z.string(), z.unknown()).nullable(),
  }),
);

export const signIn = named(
  'SignIn',
  z.object({ provider: z.object({ name: z.string() }).nullable(), failure: failure.nullable() }),
);

export const identity = named(
  'Identity',
  z.object({
    id: z.string(),
    /** Its name, or its host where it is not the one that is set up. */
    provider: z.string(),
    issuer: z.string(),
    subject: z.string(),
    connectedAt: time,
  }),
);

export const signInProvider = named(
  'SignInProvider',
  z.object({
    /** What the provider has to allow. */
    redirectUri: z.string(),
    provider: z
      .object({
        name: z.string(),
        issuer: z.string(),
        clientId: z.string(),
        admission: z
          .object({
            role: z.enum(['viewer', 'operator']),
            labels,
            domains: z.array(z.string()),
            claim: z.object({ name: z.string(), values: z.array(z.string()) }).nullable(),
          })
          .nullable(),
        users: z.object({ connected: count, withNothingElse: count }),
      })
      .nullable(),
  }),
);
