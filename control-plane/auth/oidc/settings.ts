import type { Db } from '../../db/open.ts';
import { dropSetting, readSetting, writeSetting } from '../../db/settings.ts';
import type { MasterKey } from '../../keys/master.ts';

/** Who of the provider's people comes in without an invitation, and as what. */
export interface Admission {
  /** Never one who administers: those are invited. */
  role: 'viewer' | 'operator';
  /** Only agents with one of these labels; null: the whole fleet. */
  labels: string[] | null;
  /** Domains of their e-mail addresses, in lower case; none: any. */
  domains: string[];
  /** What the provider has to say of them, e.g. a group; null: nothing. */
  claim: { name: string; values: string[] } | null;
}

/** The OpenID provider that people may sign in with. */
export interface ProviderSettings {
  /** As the button says it. */
  name: string;
  /** As its discovery document spells it; together with `sub` it names a person. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Null: nobody comes in without an invitation. */
  admission: Admission | null;
}

/** Where the settings are kept, sealed: the client's secret is among them. */
export interface ProviderStore {
  read(): ProviderSettings | undefined;
  write(settings: ProviderSettings): void;
  remove(): void;
}

const SETTING = 'sign-in-provider';

export function createProviderStore({ db, master }: { db: Db; master: MasterKey }): ProviderStore {
  return {
    read() {
      const sealed = readSetting(db, SETTING);
      return sealed === undefined
        ? undefined
        : (JSON.parse(master.open(SETTING, sealed)) as ProviderSettings);
    },
    write: (settings) => writeSetting(db, SETTING, master.seal(SETTING, JSON.stringify(settings))),
    remove: () => dropSetting(db, SETTING),
  };
}
