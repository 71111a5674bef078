import { type FailureError, fail } from '../../protocol/failure.ts';
import { isLoopback } from '../surroundings.ts';
import { isExempt } from './no-proxy.ts';

/** Which proxy the operator wants between this host and the control plane. */
export interface ProxySettings {
  /** As it was written; empty for none. May hold a password, so it is never shown. */
  url: string;
  /** Hosts reached without it, as `NO_PROXY` lists them. */
  except: string;
  /** Where `url` was written, for people: `HTTPS_PROXY`, or the key and the file. */
  source: string;
  /** Whether that is the agent's own configuration file. */
  fromFile: boolean;
}

/** An HTTP proxy that opens tunnels (CONNECT). Its login is in no property, so that no log line can show it. */
export interface OutgoingProxy {
  readonly host: string;
  readonly port: number;
  /** Whether the proxy itself is talked to by TLS. */
  readonly secure: boolean;
  /** Whether a user or a password goes with it. */
  readonly hasLogin: boolean;
  /** Without its login: `http://proxy.example.org:3128`. */
  readonly shown: string;
  /** {@link ProxySettings.source} */
  readonly source: string;
  /** Options with which an agent of `node:https` goes through it. */
  agentOptions(): { proxyEnv: { https_proxy: string } };
  /** Value of `proxy-authorization`; undefined without a login. */
  authorization(): string | undefined;
}

/** How a control plane is reached. */
export interface Route {
  /** Undefined: directly. */
  proxy: OutgoingProxy | undefined;
  /** What decided that, for people. */
  why: string;
}

/**
 * The way to a control plane. Loopback is always reached directly: a proxy elsewhere has a loopback of its own. That
 * leaves only HTTPS, so that `HTTP_PROXY` has nothing to say.
 * @throws FailureError `invalid_input` where a proxy is wanted that cannot be used
 */
export function routeTo(origin: URL, settings: ProxySettings | undefined): Route {
  if (!settings || settings.url.trim() === '') return { proxy: undefined, why: 'no proxy is configured' };
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(host)) return { proxy: undefined, why: 'loopback is always reached directly' };
  const port = Number(origin.port) || 443;
  if (isExempt(host, port, settings.except)) return { proxy: undefined, why: `NO_PROXY names ${host}` };
  const proxy = parseProxy(settings);
  return { proxy, why: `${settings.source} names ${proxy.shown}` };
}

/** @throws FailureError `invalid_input`, which never repeats what was written: it may hold a password */
export function parseProxy({ url: written, source }: Pick<ProxySettings, 'url' | 'source'>): OutgoingProxy {
  const text = written.trim();
  // As curl reads it: without a scheme it is HTTP.
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full)) throw unusable(source, 'It is not a URL.');
  const url = new URL(full);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw unusable(source, `Its scheme, ${url.protocol}//, is not one that Homeport knows.`);
  }
  if (url.pathname !== '/' || url.search || url.hash) throw unusable(source, 'A proxy has no path.');
  const login = loginOf(url, source);
  const secure = url.protocol === 'https:';
  const shown = `${url.protocol}//${url.host}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 443 : 80),
    secure,
    hasLogin: login !== undefined,
    shown,
    source,
    agentOptions: () => ({ proxyEnv: { https_proxy: url.href } }),
    authorization: () => login && `Basic ${Buffer.from(login).toString('base64')}`,
  };
}

function loginOf({ username, password }: URL, source: string): string | undefined {
  if (username === '' && password === '') return undefined;
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    throw unusable(source, 'Its user or password has a % that begins no character.');
  }
}

function unusable(source: string, why: string): FailureError {
  return fail(
    'invalid_input',
    `The proxy that ${source} names cannot be used. ${why}`,
    'Write it as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT (https:// where the proxy itself speaks TLS); in user and password % becomes %25, @ %40, : %3A, / %2F, # %23.',
  );
}
