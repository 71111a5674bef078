import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { ExtraRight } from '../../auth/rights.ts';

const time = () => integer({ mode: 'timestamp_ms' });
const flag = () => integer({ mode: 'boolean' });

// Tables of better-auth, by the names and columns it expects.

export const user = sqliteTable('user', {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: flag().notNull().default(false),
  image: text(),
  createdAt: time().notNull(),
  updatedAt: time().notNull(),
  /** What follows is ours: what its bearer may do, see `auth/rights.ts`. */
  role: text({ enum: ['owner', 'admin', 'operator', 'viewer'] })
    .notNull()
    .default('viewer'),
  /** Rights on top of the role's. */
  extraRights: text({ mode: 'json' }).$type<ExtraRight[]>().notNull().default([]),
  /** Only agents with one of these labels; null: the whole fleet. */
  labels: text({ mode: 'json' }).$type<string[]>(),
  /** Better-auth's: whether signing in asks for a code as well. */
  twoFactorEnabled: flag().notNull().default(false),
});

/** Second factors, one row for each user who has or is about to have one. */
export const twoFactor = sqliteTable(
  'two_factor',
  {
    id: text().primaryKey(),
    /** Both encrypted with the auth secret. */
    secret: text().notNull(),
    backupCodes: text().notNull(),
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    verified: flag().default(true),
    failedVerificationCount: integer().default(0),
    lockedUntil: time(),
  },
  (t) => [index('two_factor_user').on(t.userId)],
);

/** Passkeys, by the names and columns that better-auth expects. */
export const passkey = sqliteTable(
  'passkey',
  {
    id: text().primaryKey(),
    name: text(),
    publicKey: text().notNull(),
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    credentialID: text().notNull().unique(),
    counter: integer().notNull(),
    deviceType: text().notNull(),
    backedUp: flag().notNull(),
    transports: text(),
    createdAt: time(),
    aaguid: text(),
  },
  (t) => [index('passkey_user').on(t.userId)],
);

/** Links that are worth something to whoever holds them: an account of one's own, or the way back into it. */
export const userLinks = sqliteTable('user_links', {
  id: text().primaryKey(),
  kind: text({ enum: ['invitation', 'recovery'] }).notNull(),
  /** SHA-256, hex. */
  tokenHash: text().notNull().unique(),
  /** Invitations: for whom, as whoever invited noted it. */
  note: text(),
  role: text({ enum: ['owner', 'admin', 'operator', 'viewer'] }).notNull(),
  extraRights: text({ mode: 'json' }).$type<ExtraRight[]>().notNull(),
  labels: text({ mode: 'json' }).$type<string[]>(),
  /** Recovery: whose account. */
  userId: text().references(() => user.id, { onDelete: 'cascade' }),
  /** Name and id of who made it; what they may no longer give, the link no longer gives. */
  createdBy: text().notNull(),
  createdById: text().notNull(),
  createdAt: time().notNull(),
  expiresAt: time().notNull(),
});

export const session = sqliteTable(
  'session',
  {
    id: text().primaryKey(),
    expiresAt: time().notNull(),
    token: text().notNull().unique(),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
    ipAddress: text(),
    userAgent: text(),
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
  },
  (t) => [index('session_user').on(t.userId)],
);

export const account = sqliteTable(
  'account',
  {
    id: text().primaryKey(),
    accountId: text().notNull(),
    providerId: text().notNull(),
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    accessToken: text(),
    refreshToken: text(),
    idToken: text(),
    accessTokenExpiresAt: time(),
    refreshTokenExpiresAt: time(),
    scope: text(),
    /** scrypt hash. */
    password: text(),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
  },
  (t) => [index('account_user').on(t.userId)],
);

export const verification = sqliteTable(
  'verification',
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: time().notNull(),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
  },
  (t) => [index('verification_identifier').on(t.identifier)],
);

export const rateLimit = sqliteTable('rate_limit', {
  id: text().primaryKey(),
  key: text().notNull().unique(),
  count: integer().notNull(),
  /** Milliseconds since the epoch. */
  lastRequest: integer().notNull(),
});

export const apikey = sqliteTable(
  'apikey',
  {
    id: text().primaryKey(),
    configId: text().notNull().default('default'),
    name: text(),
    /** First characters, for telling keys apart. */
    start: text(),
    /** Id of the user it acts for. */
    referenceId: text().notNull(),
    prefix: text(),
    /** Hash of the key. */
    key: text().notNull(),
    refillInterval: integer(),
    refillAmount: integer(),
    lastRefillAt: time(),
    enabled: flag().default(true),
    rateLimitEnabled: flag().default(true),
    rateLimitTimeWindow: integer(),
    rateLimitMax: integer(),
    requestCount: integer().default(0),
    remaining: integer(),
    lastRequest: time(),
    expiresAt: time(),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
    permissions: text(),
    metadata: text(),
  },
  (t) => [
    index('apikey_config').on(t.configId),
    index('apikey_reference').on(t.referenceId),
    index('apikey_key').on(t.key),
  ],
);
