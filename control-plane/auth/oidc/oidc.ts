import type { Outgoing } from '../../../protocol/outgoing.ts';
import type { Clock } from '../../clock.ts';
import type { Db } from '../../db/open.ts';
import type { MasterKey } from '../../keys/master.ts';
import { createFlows, type Flows } from './flow.ts';
import { createProvider, type Provider } from './provider.ts';
import { createProviderStore, type ProviderStore } from './settings.ts';

/** Signing in with an OpenID provider: which one, the way to it, and who is on it. */
export interface Oidc {
  settings: ProviderStore;
  provider: Provider;
  flows: Flows;
  /** Where the provider sends browsers back to; it has to be told. */
  redirectUri: string;
}

/** @param deps `url`: address people use, without a trailing slash */
export function createOidc(deps: {
  db: Db;
  master: MasterKey;
  clock: Clock;
  outgoing: Outgoing;
  url: string;
}): Oidc {
  const redirectUri = `${deps.url}/api/auth/oidc/callback`;
  return {
    settings: createProviderStore(deps),
    provider: createProvider({ ...deps, redirectUri }),
    flows: createFlows(deps),
    redirectUri,
  };
}
