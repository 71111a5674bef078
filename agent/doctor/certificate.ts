import type { PeerCertificate } from 'node:tls';
import { type Finding, ok, trouble } from './check.ts';

/** What a TLS handshake showed. */
export interface Shown {
  certificate: PeerCertificate;
  /** Code of what speaks against it; undefined where it is trusted. */
  error: string | undefined;
  /** Name or address it has to be for. */
  host: string;
  /** TLS version, e.g. `TLSv1.3`. */
  version: string | null;
}

const DAY_MS = 86_400_000;

/** Judges the control plane's certificate as the agent's own connections do, and says when it ends. */
export function certificateFinding({ certificate, error, host, version }: Shown, now: number): Finding {
  const facts = factsOf(certificate);
  if (error !== undefined) {
    const [seen, fix] = (EXPLAINED[error] ?? otherwise)({ error, facts, host });
    return { ...trouble('failed', seen, { fix }), code: error };
  }
  const [from, to] = [Date.parse(certificate.valid_from), Date.parse(certificate.valid_to)];
  const left = to - now;
  // Those that are renewed by themselves are so with a third of their life to go, and some live for days only.
  if (left < Math.min(14 * DAY_MS, (to - from) / 6)) {
    return trouble('warning', `The certificate ends on ${day(to)}. ${facts.text}`, {
      fix: 'Renew it at the control plane’s reverse proxy: from that day on no agent connects.',
    });
  }
  return ok(`Trusted until ${day(to)}, ${version ?? 'TLS'}. ${facts.text}`);
}

interface Facts {
  from: string;
  to: string;
  names: string;
  text: string;
}

interface Case {
  error: string;
  facts: Facts;
  host: string;
}

function factsOf(certificate: PeerCertificate): Facts {
  const names = (certificate.subjectaltname ?? '').replaceAll(/DNS:|IP Address:/g, '').slice(0, 300);
  const issuer = one(certificate.issuer?.O) || one(certificate.issuer?.CN) || 'nobody named';
  const [from, to] = [day(Date.parse(certificate.valid_from)), day(Date.parse(certificate.valid_to))];
  return { from, to, names, text: `For ${names || 'no name'}, issued by ${issuer.slice(0, 100)}.` };
}

function one(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

const TRUST =
  'If this is its own certificate, or that of a proxy of your network that breaks TLS open, let the agent trust its CA: NODE_EXTRA_CA_CERTS=/path/to/ca.pem in the agent’s environment. Homeport’s own messages are authenticated besides.';

type Explained = (found: Case) => [seen: string, fix: string];

const untrusted: Explained = ({ facts }) => [
  `The certificate is signed by a CA that this host does not know. ${facts.text}`,
  TRUST,
];

const EXPLAINED: Record<string, Explained> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ({ facts }) => [`The certificate is signed by itself. ${facts.text}`, TRUST],
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ({ facts }) => [
    `The certificate of its issuer is missing. ${facts.text}`,
    `Let the control plane’s reverse proxy send the whole chain (with its intermediate certificates). ${TRUST}`,
  ],
  CERT_HAS_EXPIRED: ({ facts }) => [
    `By this host’s clock the certificate ended on ${facts.to}. ${facts.text}`,
    'Renew it at the control plane’s reverse proxy; or set this host’s clock, if that is what is wrong.',
  ],
  CERT_NOT_YET_VALID: ({ facts }) => [
    `By this host’s clock the certificate begins on ${facts.from} only. ${facts.text}`,
    'Set this host’s clock.',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: ({ facts, host }) => [
    `The certificate is not for ${host}. ${facts.text}`,
    'Use a name that it is for as the control plane’s address, or get one for this name. Does the name lead to the right machine?',
  ],
};

const otherwise: Explained = ({ error, facts }) => [
  `The certificate cannot be trusted (${error}). ${facts.text}`,
  'Look at the TLS settings of the control plane’s reverse proxy.',
];

function day(time: number): string {
  return Number.isNaN(time) ? 'an unknown day' : new Date(time).toISOString().slice(0, 10);
}
