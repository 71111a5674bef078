import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/client.ts';
import { createAppRouter } from './app/router.tsx';
import './app.css';

const OPEN_TO_ALL = ['/login', '/setup'];

/** A session that ended while the page was open: back to the login, and here again afterwards. */
function onQueryError(error: unknown, query: { meta?: Record<string, unknown> | undefined }): void {
  const { pathname } = window.location;
  if (!(error instanceof ApiError) || error.status !== 401) return;
  // The guard of the pages asks who is signed in and goes to the right place itself.
  if (query.meta?.guarded || OPEN_TO_ALL.includes(pathname)) return;
  window.location.assign(`/login?next=${encodeURIComponent(pathname)}`);
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError: onQueryError }),
  defaultOptions: {
    queries: {
      // The event stream says when to ask again.
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && error instanceof ApiError && error.failure.retryable,
    },
  },
});

const root = document.getElementById('root');
if (!root) throw new Error('The page has no #root.');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={createAppRouter(client)} />
    </QueryClientProvider>
  </StrictMode>,
);
