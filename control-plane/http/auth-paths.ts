import { z } from 'zod';
import { accountFields } from './account-fields.ts';

/** Long enough for any; what is longer is not hashed. */
const password = z.string().min(1).max(128);
const code = z.string().trim().min(4).max(64);

/** What the browser makes of a passkey (`PublicKeyCredential.toJSON()`, WebAuthn level 3). */
const credential = z.looseObject({ id: z.string().max(1400), response: z.looseObject({}) });

interface AuthPath {
  /** All that is passed on: better-auth takes more, such as a device to trust, which would be no second factor. */
  body: z.ZodType;
  /** It checks a password, which is slow by design. */
  hashes: boolean;
  /** What the audit log calls a success; undefined where it does nothing yet. */
  done: string | undefined;
  /** How better-auth is asked; by us it is always a POST, because it leaves a cookie. */
  method?: 'GET';
  /** Whether a session that is there has to be a fresh one. */
  fresh?: true;
}

/**
 * The parts of better-auth that are open; all the rest, sign-up and its own lists of sessions and keys included, is
 * not. The second factor is never by mail: that would be none here.
 */
export const AUTH_PATHS = {
  '/sign-in/email': {
    body: z.object({ email: z.string().max(254), password }),
    hashes: true,
    done: 'user.sign-in',
  },
  '/sign-out': { body: z.object({}), hashes: false, done: 'user.sign-out' },
  '/change-password': {
    body: z
      .object({ currentPassword: password, newPassword: accountFields.password })
      .transform((body) => ({ ...body, revokeOtherSessions: true })),
    hashes: true,
    done: 'user.change-password',
    fresh: true,
  },
  '/two-factor/enable': { body: z.object({ password }), hashes: true, done: undefined, fresh: true },
  '/two-factor/verify-totp': { body: z.object({ code }), hashes: false, done: 'user.sign-in' },
  '/two-factor/verify-backup-code': { body: z.object({ code }), hashes: false, done: 'user.sign-in' },
  '/two-factor/generate-backup-codes': {
    body: z.object({ password }),
    hashes: true,
    done: 'user.new-backup-codes',
    fresh: true,
  },
  '/two-factor/disable': {
    body: z.object({ password }),
    hashes: true,
    done: 'user.disable-two-factor',
    fresh: true,
  },
  '/passkey/generate-register-options': {
    body: z.object({}),
    hashes: false,
    done: undefined,
    method: 'GET',
    fresh: true,
  },
  '/passkey/verify-registration': {
    body: z.object({ response: credential, name: z.string().trim().min(1).max(100) }),
    hashes: false,
    done: 'user.add-passkey',
    fresh: true,
  },
  '/passkey/generate-authenticate-options': {
    body: z.object({}),
    hashes: false,
    done: undefined,
    method: 'GET',
  },
  '/passkey/verify-authentication': {
    body: z.object({ response: credential }),
    hashes: false,
    done: 'user.sign-in',
  },
} as const satisfies Record<string, AuthPath>;

export type Path = keyof typeof AUTH_PATHS;

/** Whether it is the second step of signing in, or of turning the second factor on. */
export function isVerification(path: Path): boolean {
  return path === '/two-factor/verify-totp' || path === '/two-factor/verify-backup-code';
}
