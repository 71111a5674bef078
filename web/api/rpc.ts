import { hc } from 'hono/client';
import type { AppType } from '../../control-plane/app.ts';
import { failureOf, unreachable } from './client.ts';
import { onceFresh } from './fresh.ts';

/** `/api/v1`, typed by the control plane's own routes. */
export const api = hc<AppType>('/', {
  headers: { accept: 'application/json' },
  fetch: (input: RequestInfo | URL, init?: RequestInit) =>
    onceFresh(() => fetch(input, init).catch(unreachable)),
}).api.v1;

/**
 * The JSON of an answer.
 * @throws ApiError with the failure of the answer, or `control_plane_unreachable`
 */
export async function answer<T>(
  pending: Promise<{ ok: boolean; status: number; json(): Promise<T> }>,
): Promise<T> {
  const response = await pending;
  if (!response.ok) throw await failureOf(response);
  return response.json();
}

/** Some rows of a list, and how many all of it has. */
export interface Page<T> {
  rows: T[];
  total: number;
}

/**
 * A page of a list, with the number of rows that the whole list has.
 * @throws ApiError as {@link answer} does
 */
export async function answerPage<T>(
  pending: Promise<{ ok: boolean; status: number; headers: Headers; json(): Promise<T[]> }>,
): Promise<Page<T>> {
  const response = await pending;
  const rows = await answer(Promise.resolve(response));
  return { rows, total: Number(response.headers.get('homeport-total') ?? rows.length) };
}

/**
 * The text of an answer that is a file, with the name it gives.
 * @throws ApiError as {@link answer} does
 */
export async function answerFile(
  pending: Promise<{
    ok: boolean;
    status: number;
    headers: Headers;
    text(): Promise<string>;
    json(): Promise<unknown>;
  }>,
): Promise<{ name: string; text: string }> {
  const response = await pending;
  if (!response.ok) throw await failureOf(response);
  const disposition = response.headers.get('content-disposition') ?? '';
  return { name: /filename="([^"]+)"/.exec(disposition)?.[1] ?? 'download.txt', text: await response.text() };
}
