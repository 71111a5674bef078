import { apiKey } from '@better-auth/api-key';
import { passkey } from '@better-auth/passkey';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { APIError, isAPIError } from 'better-auth/api';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { type Db, schema } from '../db/open.ts';
import type { MasterKey } from '../keys/master.ts';
import type { Logger } from '../log.ts';
import { byProvider } from './by-provider.ts';

/** Set by the server itself on every request it hands to better-auth; what a client sends is dropped. */
export const CLIENT_HEADER = 'x-homeport-client';
export const KEY_PREFIX = 'hp_';

export interface AuthDeps {
  db: Db;
  master: Pick<MasterKey, 'derive'>;
  /** Address people use, without a trailing slash. */
  url: string;
  /** Origins whose pages may act with a session cookie. */
  origins: readonly string[];
  log: Logger;
}

/** Users, sessions and API keys: better-auth on our database. There is no sign-up; see `setup.ts`. */
export function createAuth(deps: AuthDeps) {
  const { db, log, master, origins, url } = deps;
  return betterAuth({
    appName: 'Homeport',
    baseURL: url,
    basePath: '/api/auth',
    secret: master.derive('better-auth').toString('base64url'),
    trustedOrigins: [...origins],
    database: drizzleAdapter(db, { provider: 'sqlite', schema }),
    emailAndPassword: { enabled: true, disableSignUp: true },
    session: { expiresIn: 14 * 24 * 3600, updateAge: 24 * 3600 },
    rateLimit: {
      enabled: true,
      storage: 'database',
      window: 60,
      max: 300,
      customRules: {
        '/sign-in/email': { window: 60, max: 10 },
        '/change-password': { window: 60, max: 5 },
        '/two-factor/*': { window: 60, max: 10 },
        '/passkey/*': { window: 60, max: 30 },
      },
    },
    plugins: [
      // No trusted devices: the code is asked for each time. Nor codes by mail: that would be no second factor here.
      twoFactor({ issuer: 'Homeport' }),
      passkeys(origins),
      byProvider(),
      apiKey({
        defaultPrefix: KEY_PREFIX,
        maximumNameLength: 100,
        keyExpiration: { minExpiresIn: 0, maxExpiresIn: 3650 },
        // Counts per key would cost a write per request and stop automation that is merely busy.
        rateLimit: { enabled: false },
      }),
    ],
    advanced: {
      useSecureCookies: url.startsWith('https:'),
      cookiePrefix: 'homeport',
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax' },
      ipAddress: { ipAddressHeaders: [CLIENT_HEADER] },
      database: { generateId: () => crypto.randomUUID() },
    },
    logger: {
      level: 'warn',
      log: (level, message) => log[level === 'error' ? 'error' : 'warn']({ from: 'better-auth' }, message),
    },
    // Its own way is coloured lines on standard output, refusals of what visitors sent among them.
    onAPIError: {
      onError(error) {
        if (isAPIError(error) && error.statusCode < 500) log.debug({ from: 'better-auth' }, error.message);
        else log.error({ from: 'better-auth', err: error }, 'a sign-in route failed');
      },
    },
    telemetry: { enabled: false },
  });
}

/**
 * Passkeys stand for password and second factor at once, so the device has to have made sure who holds it; the plugin
 * itself asks for it and takes a no.
 */
function passkeys(origins: readonly string[]) {
  return passkey({
    rpName: 'Homeport',
    origin: [...origins],
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    registration: {
      afterVerification: ({ verification }) => requireVerified(verification.registrationInfo?.userVerified),
    },
    authentication: {
      afterVerification: ({ verification }) => requireVerified(verification.authenticationInfo.userVerified),
    },
  });
}

function requireVerified(userVerified: boolean | undefined): void {
  if (!userVerified) throw new APIError('UNAUTHORIZED', { message: 'The device has not verified its user.' });
}

export type Auth = ReturnType<typeof createAuth>;
