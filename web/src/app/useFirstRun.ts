import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { api } from '../api/client';
import { panelAt } from './routes';

/** Leads to the first steps when the node says that they have not been taken. Asked once a page. */
export function useFirstRun(): void {
  const [, go] = useLocation();
  useEffect(() => {
    let wanted = true;
    void api
      .GET('/api/v1/setup')
      .then(({ data }) => {
        if (wanted && data?.done === false && panelAt('/welcome')) go('/welcome', { replace: true });
      })
      // A node that is silent is told of elsewhere; the page is the same without its first steps.
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [go]);
}
