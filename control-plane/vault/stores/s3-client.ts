import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import type { Outgoing } from '../../../protocol/outgoing.ts';
import type { S3Options } from './s3-options.ts';

/**
 * How long a request is tried: the SDK waits between its tries, twice as long each time, 20 s at most. `idleMs`:
 * milliseconds without a byte after which a try counts as lost.
 */
const PATIENCE = {
  usual: { attempts: 5, connectMs: 10_000, idleMs: 60_000 },
  /** Somebody waits for the answer. */
  short: { attempts: 2, connectMs: 5_000, idleMs: 15_000 },
};
export type Patience = keyof typeof PATIENCE;
const MAX_SOCKETS = 32;

/**
 * A client for one bucket. It knows nothing of this host’s AWS configuration but what is in `options`.
 * @throws FailureError `forbidden` for an endpoint on this host
 */
export function createS3Client(options: S3Options, outgoing: Outgoing, patience: Patience): S3Client {
  const { attempts, connectMs, idleMs } = PATIENCE[patience];
  const { accessKeyId, endpoint, pathStyle, region, secretAccessKey } = options;
  if (endpoint !== undefined) outgoing.requireHost(new URL(endpoint).hostname);
  const sockets = { keepAlive: true, maxSockets: MAX_SOCKETS, lookup: outgoing.lookup };
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: attempts,
    retryMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    // The SDK’s own default checksum, CRC32 in a trailer, is what many other stores refuse. We name ours.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Some stores never answer it, and a pack is small.
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
      connectionTimeout: connectMs,
      socketTimeout: idleMs,
    },
  });
}
