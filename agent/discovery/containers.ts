import { request } from 'node:http';
import { z } from 'zod';

/** A running container, as its engine lists it. */
export interface Container {
  id: string;
  name: string;
  image: string;
  networks: { name: string; address: string }[];
  ports: { inside: number; published?: { address: string; port: number } }[];
}

/** Longest list that is read, in bytes. */
const MAX_BYTES = 8 * 1024 * 1024;

const port = z.number().int().min(0).max(65_535);

/** What Docker and Podman answer to `GET /containers/json`, as far as it is read; Podman has `null` for nothing. */
const listSchema = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullish(),
    Image: z.string(),
    State: z.string().optional(),
    Ports: z
      .array(
        z.object({
          IP: z.string().max(255).optional(),
          PrivatePort: port,
          PublicPort: port.optional(),
          Type: z.string().optional(),
        }),
      )
      .nullish(),
    NetworkSettings: z
      .object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string().nullish() })).nullish() })
      .nullish(),
  }),
);

/**
 * The running containers behind the API socket of Docker or Podman.
 * @throws the socket's own error: `ENOENT`, `EACCES`, `ECONNREFUSED` …
 */
export async function listContainers(socketPath: string, signal: AbortSignal): Promise<Container[]> {
  return parseList(await get(socketPath, '/containers/json', signal))
    .filter(({ State }) => State === undefined || State === 'running')
    .map(({ Id, Image, Names, NetworkSettings, Ports }) => ({
      id: Id,
      name: (Names?.[0] ?? Id.slice(0, 12)).replace(/^\//, ''),
      image: Image,
      networks: Object.entries(NetworkSettings?.Networks ?? {}).flatMap(([name, { IPAddress }]) =>
        IPAddress ? [{ name, address: IPAddress }] : [],
      ),
      ports: (Ports ?? [])
        .filter(({ Type }) => Type === undefined || Type === 'tcp')
        .map(({ IP, PrivatePort, PublicPort }) => ({
          inside: PrivatePort,
          ...(PublicPort ? { published: { address: IP || '0.0.0.0', port: PublicPort } } : {}),
        })),
    }));
}

/** @throws Error whose text tells nothing of the answer, whoever gave it */
function parseList(text: string): z.infer<typeof listSchema> {
  try {
    return listSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('its answer is no list of containers', { cause });
  }
}

function get(socketPath: string, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, signal, headers: { host: 'localhost' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) asking.destroy(new Error('its list of containers is too long'));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`it answered with status ${response.statusCode}`));
      });
    });
    asking.on('error', reject);
    asking.end();
  });
}
