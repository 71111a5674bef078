import { Link } from '@tanstack/react-router';
import { buttonClass } from '../components/button.tsx';
import { Empty, Page } from '../components/layout.tsx';

export function NotFound() {
  return (
    <main className="mx-auto max-w-3xl px-4 py-10">
      <Page title="Not found">
        <Empty
          title="There is no page at this address."
          action={
            <Link to="/" className={buttonClass()}>
              Go to the overview
            </Link>
          }
        >
          The link may be old, or mistyped.
        </Empty>
      </Page>
    </main>
  );
}
