import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a certificate says, beside the key it is for. */
export interface CertificateWish {
  /** As `DNS:name` or `IP:address`. */
  names: string[];
  from?: Date;
  to?: Date;
}

const CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
copy_extensions = copy
[any]
commonName = supplied
`;

/** A certificate that signed itself, of any lifetime. PEM. */
export async function makeCertificate(wish: CertificateWish): Promise<{ key: string; cert: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-certificate-'));
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory });
  try {
    await writeFile(join(directory, 'index.txt'), '');
    await writeFile(join(directory, 'ca.cnf'), CONFIG);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem'];
    const names = ['-addext', `subjectAltName=${wish.names.join(',')}`];
    await openssl('req', '-new', ...key, '-out', 'request.pem', '-subj', '/CN=homeport test', ...names);
    const dates = ['-startdate', stamp(wish.from ?? days(-1)), '-enddate', stamp(wish.to ?? days(30))];
    const files = ['-keyfile', 'key.pem', '-in', 'request.pem', '-out', 'cert.pem', '-notext'];
    await openssl('ca', '-batch', '-config', 'ca.cnf', '-selfsign', ...files, ...dates);
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    return { key: await read('key.pem'), cert: await read('cert.pem') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** So many days from now. */
export function days(count: number): Date {
  return new Date(Date.now() + count * 86_400_000);
}

function stamp(date: Date): string {
  return `${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
}
