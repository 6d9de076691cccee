import { useEffect, useState } from 'preact/hooks';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'pptp-theme';

const remembered = (): Theme => {
  try {
    const word = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === word) ?? 'system';
  } catch {
    return 'system';
  }
};

const remember = (theme: Theme): void => {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this page.
  }
};

const darkSystem = matchMedia('(prefers-color-scheme: dark)');

/** The theme that was chosen, how to choose the next one, and whether it is dark now. */
export const useTheme = (): { readonly theme: Theme; readonly isDark: boolean; readonly next: () => void } => {
  const [theme, setTheme] = useState(remembered);
  const [system, setSystem] = useState(darkSystem.matches);
  useEffect(() => {
    const changed = (): void => setSystem(darkSystem.matches);
    darkSystem.addEventListener('change', changed);
    return () => darkSystem.removeEventListener('change', changed);
  }, []);
  const isDark = theme === 'dark' || (theme === 'system' && system);
  useEffect(() => {
    document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  }, [isDark]);
  const next = (): void => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    remember(chosen);
    setTheme(chosen);
  };
  return { theme, isDark, next };
};
