// Runs before the first paint, from its own file: the content security policy allows no inline script.
try {
  const theme = localStorage.getItem('homeport-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's choice stays.
}
