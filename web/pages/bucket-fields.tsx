import type { BucketStore, Vault } from '../api/types.ts';
import { CheckField, Field, TextField } from '../components/field.tsx';
import { type LockDraft, LockFields } from './lock-fields.tsx';

/** What a person types about a bucket; empty text where nothing was given. */
export interface BucketDraft {
  endpoint: string;
  region: string;
  bucket: string;
  prefix: string;
  pathStyle: boolean;
  accessKeyId: string;
  secretAccessKey: string;
  sse: 'none' | 'AES256' | 'aws:kms';
  storageClass: string;
  checksums: 'sha256' | 'none';
  direct: boolean;
  lock: LockDraft;
}

const UNLOCKED: LockDraft = { mode: 'off', days: '30' };

/** The draft a form begins with; the keys are always typed. */
export function bucketDraft(bucket: Vault['bucket'] = null): BucketDraft {
  const keys = { accessKeyId: '', secretAccessKey: '' };
  const fresh = { region: 'us-east-1', bucket: '', prefix: '', pathStyle: false } as const;
  const { endpoint, lock, storageClass, ...known } = bucket ?? {
    ...fresh,
    sse: 'none' as const,
    checksums: 'sha256' as const,
    direct: true,
    endpoint: null,
    lock: null,
    storageClass: null,
  };
  const texts = { endpoint: endpoint ?? '', storageClass: storageClass ?? '' };
  return {
    ...known,
    ...keys,
    ...texts,
    lock: lock ? { mode: lock.mode, days: String(lock.days) } : UNLOCKED,
  };
}

/** The draft as the API takes it. */
export function bucketStore(draft: BucketDraft): BucketStore {
  const { endpoint, lock, prefix, storageClass, ...rest } = draft;
  return {
    ...rest,
    kind: 's3',
    prefix: prefix.trim().replaceAll(/^\/+|\/+$/g, ''),
    ...(endpoint.trim() ? { endpoint: endpoint.trim() } : {}),
    ...(storageClass.trim() ? { storageClass: storageClass.trim() } : {}),
    ...(lock.mode === 'off' ? {} : { lock: { mode: lock.mode, days: Number(lock.days) } }),
  };
}

interface BucketFieldsProps {
  draft: BucketDraft;
  onChange: (draft: BucketDraft) => void;
  /** The vault is there already: bucket and folder stay. */
  placed?: boolean;
}

export function BucketFields({ draft, onChange, placed = false }: BucketFieldsProps) {
  const text = (field: keyof BucketDraft) => ({
    value: String(draft[field]),
    onChange: (value: string) => onChange({ ...draft, [field]: value }),
    autoComplete: 'off',
    spellCheck: false,
  });
  return (
    <div className="grid gap-4">
      <TextField
        label="Endpoint"
        optional
        {...text('endpoint')}
        placeholder="https://minio.example.org:9000"
        help="Address of the service. Leave it empty for AWS itself."
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label="Region" required {...text('region')} help="Cloudflare R2: auto" />
        <TextField label="Bucket" required disabled={placed} {...text('bucket')} />
      </div>
      <TextField
        label="Folder"
        optional
        disabled={placed}
        {...text('prefix')}
        help="In the bucket, like backups/homeport."
      />
      <CheckField
        label="Bucket in the path"
        help="As MinIO and Ceph mostly want it; off: bucket in the host name."
        checked={draft.pathStyle}
        onChange={(pathStyle) => onChange({ ...draft, pathStyle })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label="Access key" required {...text('accessKeyId')} />
        <TextField label="Secret key" required type="password" {...text('secretAccessKey')} />
      </div>
      <LockFields draft={draft.lock} onChange={(lock) => onChange({ ...draft, lock })} />
      <Finer draft={draft} onChange={onChange} />
    </div>
  );
}

/** What most people never touch. */
function Finer({ draft, onChange }: BucketFieldsProps) {
  return (
    <details className="rounded-control border border-line px-3 py-2">
      <summary className="cursor-pointer font-medium">Encryption, storage class, ways of the bytes</summary>
      <div className="grid gap-4 pt-3 pb-1">
        <Field label="Encryption at the server" help="Backups are sealed before they get there in any case.">
          {(attributes) => (
            <select
              {...attributes}
              className="control"
              value={draft.sse}
              onChange={(event) => onChange({ ...draft, sse: event.target.value as BucketDraft['sse'] })}
            >
              <option value="none">As the bucket has it</option>
              <option value="AES256">AES256</option>
              <option value="aws:kms">aws:kms</option>
            </select>
          )}
        </Field>
        <TextField
          label="Storage class"
          optional
          value={draft.storageClass}
          onChange={(storageClass) => onChange({ ...draft, storageClass })}
          placeholder="STANDARD_IA"
          help="Of packs. One whose objects can be read at once."
        />
        <CheckField
          label="Agents use the bucket directly"
          help="Packs then travel between agents and bucket, where agents reach it and it proves checksums; else through the control plane."
          checked={draft.direct}
          onChange={(direct) => onChange({ ...draft, direct })}
        />
        <CheckField
          label="Send SHA-256 checksums"
          help="Off only for a store that refuses the header x-amz-checksum-sha256."
          checked={draft.checksums === 'sha256'}
          onChange={(on) => onChange({ ...draft, checksums: on ? 'sha256' : 'none' })}
        />
      </div>
    </details>
  );
}
