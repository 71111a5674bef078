import type { WebSocket } from 'ws';
import { CLOSE } from '../../protocol/handshake.ts';
import type { Clock } from '../clock.ts';
import { noCommonVersion } from './handshake.ts';

const HANDSHAKE_MS = 10_000;

/**
 * What an agent answers to the challenge.
 * @throws FailureError `protocol_mismatch` where it leaves since it speaks no version of the challenge; Error where it
 * says nothing in time, or nothing in text
 */
export function nextMessage(ws: WebSocket, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(HANDSHAKE_MS, () => reject(new Error('No hello arrived in time.')));
    ws.once('message', (data, isBinary) => {
      cancel();
      if (isBinary) reject(new Error('The hello is a binary frame.'));
      else resolve(data.toString());
    });
    ws.once('close', (code) => {
      cancel();
      const mismatch = code === CLOSE.protocolMismatch;
      reject(mismatch ? noCommonVersion() : new Error('The socket closed during the handshake.'));
    });
  });
}
