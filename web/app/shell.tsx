import { useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { LogOut, Menu, Monitor, Moon, Search, Sun, X } from 'lucide-react';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { queries } from '../api/queries.ts';
import { signOut } from '../api/session.ts';
import { LiveProvider, useLive } from '../live/provider.tsx';
import { Logo } from './logo.tsx';
import { useDestinations } from './navigation.ts';
import { useShortcuts } from './shortcuts.ts';
import { SignInAgain } from './sign-in-again.tsx';
import { setTheme, THEMES, useTheme } from './theme.ts';

const Palette = lazy(() => import('./palette.tsx').then((module) => ({ default: module.Palette })));

/** Everything around a page: navigation, connection state, theme, account. */
export function Shell() {
  const [menu, setMenu] = useState(false);
  const [palette, setPalette] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useShortcuts(useCallback(() => setPalette(true), []));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes whenever the page changes
  useEffect(() => setMenu(false), [path]);
  return (
    <LiveProvider>
      <a
        href="#main"
        className="sr-only z-20 rounded-control bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <div className="min-h-dvh md:grid md:grid-cols-[15rem_minmax(0,1fr)]">
        <Sidebar menu={menu} onMenu={setMenu} onSearch={() => setPalette(true)} />
        <main id="main" className="min-w-0 px-4 py-6 sm:px-6 lg:px-10 lg:py-8">
          <div className="mx-auto max-w-6xl 3xl:max-w-[100rem]">
            <Outlet />
          </div>
        </main>
      </div>
      <SignInAgain />
      {palette && (
        <Suspense fallback={null}>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
    </LiveProvider>
  );
}

interface SidebarProps {
  menu: boolean;
  onMenu: (open: boolean) => void;
  onSearch: () => void;
}

function Sidebar({ menu, onMenu, onSearch }: SidebarProps) {
  return (
    <header className="border-line bg-surface max-md:border-b md:border-r">
      <div className="flex flex-col gap-4 p-3 md:sticky md:top-0 md:h-dvh md:p-4">
        <div className="flex items-center justify-between">
          <Link to="/" className="flex items-center gap-2.5 rounded-control font-semibold tracking-tight">
            <Logo />
            Homeport
          </Link>
          <button
            type="button"
            aria-expanded={menu}
            aria-controls="navigation"
            onClick={() => onMenu(!menu)}
            className="grid size-9 place-items-center rounded-control hover:bg-raised md:hidden"
          >
            {menu ? <X aria-hidden size={19} /> : <Menu aria-hidden size={19} />}
            <span className="sr-only">Menu</span>
          </button>
        </div>
        <div
          id="navigation"
          className={`min-h-0 flex-1 flex-col gap-4 md:flex ${menu ? 'flex' : 'hidden'} md:overflow-y-auto`}
        >
          <button
            type="button"
            onClick={onSearch}
            aria-keyshortcuts="Control+K Meta+K"
            className="flex min-h-9 items-center gap-2 rounded-control border border-control px-2.5 text-ink-3 hover:bg-raised"
          >
            <Search aria-hidden size={15} />
            Go to…
            <kbd aria-hidden className="ml-auto font-sans text-xs">
              Ctrl K
            </kbd>
          </button>
          <Navigation />
          <Account />
        </div>
      </div>
    </header>
  );
}

function Navigation() {
  const destinations = useDestinations();
  return (
    <nav aria-label="Main">
      <ul className="grid gap-0.5">
        {destinations.map(({ to, label, icon: Icon }) => (
          <li key={to}>
            <Link
              to={to}
              activeOptions={{ exact: to === '/' }}
              className="flex min-h-9 items-center gap-2.5 rounded-control px-2.5 text-ink-2 hover:bg-raised hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-accent"
            >
              <Icon aria-hidden size={17} />
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const THEME_LOOK = {
  system: { icon: Monitor, label: 'System theme' },
  light: { icon: Sun, label: 'Light theme' },
  dark: { icon: Moon, label: 'Dark theme' },
};

function ThemeButton() {
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const { icon: Icon, label } = THEME_LOOK[theme];
  return (
    <button
      type="button"
      onClick={() => setTheme(next)}
      title={`${label}. Switch to ${THEME_LOOK[next].label.toLowerCase()}.`}
      className="grid size-8 place-items-center rounded-control text-ink-3 hover:bg-raised hover:text-ink"
    >
      <Icon aria-hidden size={16} />
      <span className="sr-only">{label}</span>
    </button>
  );
}

function Account() {
  const { data: me } = useSuspenseQuery(queries.me());
  return (
    <div className="mt-auto grid gap-2 border-t border-line pt-3">
      <LiveLine />
      <div className="flex min-w-0 items-center gap-1">
        <Link
          to="/account"
          title="Your account"
          className="min-w-0 flex-1 rounded-control py-1 pl-2.5 hover:bg-raised aria-[current=page]:bg-accent-soft"
        >
          <span className="sr-only">Your account: </span>
          <span className="block truncate font-medium">{me.user.name}</span>
          <span className="block truncate text-sm text-ink-3">{me.user.email}</span>
        </Link>
        <ThemeButton />
        <button
          type="button"
          onClick={() => void signOut()}
          title="Sign out"
          className="grid size-8 place-items-center rounded-control text-ink-3 hover:bg-raised hover:text-ink"
        >
          <LogOut aria-hidden size={16} />
          <span className="sr-only">Sign out</span>
        </button>
      </div>
    </div>
  );
}

function LiveLine() {
  const live = useLive();
  const text = {
    connecting: 'Connecting…',
    live: 'Live',
    reconnecting: 'Reconnecting…',
  }[live];
  return (
    <p role="status" className="flex items-center gap-2 px-2.5 text-sm text-ink-3">
      <span
        aria-hidden
        className={`size-2 rounded-full ${live === 'live' ? 'bg-ok' : 'animate-pulse bg-warn'}`}
      />
      {text}
    </p>
  );
}
