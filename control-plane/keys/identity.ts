import { type KeyObject, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { fingerprint } from '../../protocol/enrolment.ts';
import { ed25519Private, ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { writeDurably } from '../durable.ts';
import { keysFolder } from './folder.ts';
import { type MasterKey, readIfThere } from './master.ts';

/** Who this control plane is to its agents; they pin `publicRaw`. */
export interface ControlPlaneIdentity {
  id: string;
  key: KeyObject;
  /** Ed25519 public key, base64url. */
  publicRaw: string;
  fingerprint: string;
}

const fileSchema = z.object({ v: z.literal(1), id: z.uuid(), key: z.string() });
const LABEL = 'control-plane';

/** Loads `<data>/keys/control-plane.json`, or makes a new identity at first boot. */
export async function loadIdentity(dataDir: string, master: MasterKey): Promise<ControlPlaneIdentity> {
  const path = join(keysFolder(dataDir), 'control-plane.json');
  const sealed = await readIfThere(path);
  if (sealed !== undefined) {
    const file = fileSchema.parse(JSON.parse(master.open(LABEL, sealed)));
    return describe(file.id, ed25519Private(file.key));
  }
  const { key, pem } = generateEd25519();
  const id = randomUUID();
  await writeDurably(path, master.seal(LABEL, JSON.stringify({ v: 1, id, key: pem })));
  return describe(id, key);
}

function describe(id: string, key: KeyObject): ControlPlaneIdentity {
  const publicRaw = ed25519Raw(key);
  return { id, key, publicRaw, fingerprint: fingerprint(publicRaw) };
}
