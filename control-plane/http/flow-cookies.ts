import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { type Failure, failureSchema } from '../../protocol/failure.ts';
import { FLOW_MS } from '../auth/oidc/flow.ts';
import type { MasterKey } from '../keys/master.ts';

/** What a browser keeps while somebody is at the provider, and of why they came back in vain. */
export interface FlowCookies {
  keep(c: Context, flow: string): void;
  /** The flow that the browser has, which it then no longer has. */
  take(c: Context): string | undefined;
  /** Lets the page that comes next say what went wrong; in its address anybody could write anything. */
  tell(c: Context, failure: Failure): void;
  /** What was told, once. */
  told(c: Context): Failure | null;
}

const FLOW_PATH = '/api/auth/oidc';
const TOLD_PATH = '/api/v1/sign-in';
const TOLD_SECONDS = 120;
const LABEL = 'sign-in failure';
/** Of a cookie; browsers keep no larger ones. */
const MAX_TEXT = 600;

/** @param deps `url`: address people use; behind TLS the cookies are for TLS alone */
export function createFlowCookies(deps: {
  master: Pick<MasterKey, 'seal' | 'open'>;
  url: string;
}): FlowCookies {
  const { master } = deps;
  const secure = deps.url.startsWith('https:');
  const prefix = secure ? '__Secure-' : '';
  const [flow, failed] = [`${prefix}homeport.oidc_flow`, `${prefix}homeport.oidc_failed`];
  const options = { httpOnly: true, sameSite: 'Lax', secure } as const;
  return {
    keep: (c, text) => setCookie(c, flow, text, { ...options, path: FLOW_PATH, maxAge: FLOW_MS / 1000 }),
    take(c) {
      const text = getCookie(c, flow);
      deleteCookie(c, flow, { ...options, path: FLOW_PATH });
      return text;
    },
    tell(c, { code, hint, message, retryable }) {
      const short = { code, retryable, message: message.slice(0, MAX_TEXT), hint: hint.slice(0, MAX_TEXT) };
      const text = Buffer.from(master.seal(LABEL, JSON.stringify(short))).toString('base64url');
      setCookie(c, failed, text, { ...options, path: TOLD_PATH, maxAge: TOLD_SECONDS });
    },
    told(c) {
      const text = getCookie(c, failed);
      if (text === undefined) return null;
      deleteCookie(c, failed, { ...options, path: TOLD_PATH });
      try {
        const sealed = Buffer.from(text, 'base64url').toString('utf8');
        return failureSchema.parse(JSON.parse(master.open(LABEL, sealed)));
      } catch {
        return null;
      }
    },
  };
}
