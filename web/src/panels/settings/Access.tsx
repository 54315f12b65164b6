import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { useFeed } from '../../feed/store';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Copy } from '../../look/Copy';
import styles from './Access.module.css';

/** Asked for only when somebody wants to see it. */
function useToken(wanted: boolean) {
  return useQuery({
    queryKey: ['token'],
    queryFn: () => answer(api.GET('/api/v1/token')),
    enabled: wanted,
    gcTime: 0,
    staleTime: Infinity,
  });
}

/** The token, behind a click. */
export function Token() {
  const { t } = useTranslation('settings');
  const [shown, setShown] = useState(false);
  const token = useToken(shown);
  return (
    <Card title={t('token.title')} span={6}>
      <div className={styles.access}>
        <p className="quiet">{t('token.text')}</p>
        {shown && token.data && (
          <>
            <p className={styles.secret}>
              <Copy text={token.data.token} what={t('token.what')} keep={0} />
            </p>
            <p className="quiet">{t('token.path', { path: token.data.path })}</p>
          </>
        )}
        <Failure of={shown ? token.error : null} />
        <Button onPress={() => setShown(!shown)} isPending={shown && token.isLoading}>
          {t(shown ? 'token.hide' : 'token.show')}
        </Button>
      </div>
    </Card>
  );
}

/** A scrape configuration that works as it stands. */
export function scrapeConfig(target: string, tokenFile: string): string {
  return [
    'scrape_configs:',
    '  - job_name: weft',
    '    metrics_path: /api/v1/metrics',
    '    authorization:',
    `      credentials_file: ${JSON.stringify(tokenFile)}`,
    '    static_configs:',
    `      - targets: [${JSON.stringify(target)}]`,
    '',
  ].join('\n');
}

/** How to collect the node's counters. */
export function Prometheus() {
  const { t } = useTranslation('settings');
  const [shown, setShown] = useState(false);
  const token = useToken(shown);
  const api_url = useFeed((state) => state.node.status?.api ?? location.origin);
  const config = token.data && scrapeConfig(new URL(api_url).host, token.data.path);
  return (
    <Card title={t('prometheus.title')} span={6}>
      <div className={styles.access}>
        <p className="quiet">{t('prometheus.text')}</p>
        {shown && config ? (
          <>
            <pre className={styles.config}>{config}</pre>
            <div className={styles.copy}>
              <CopyButton text={config} />
            </div>
            <p className="quiet">{t('prometheus.file')}</p>
          </>
        ) : (
          <>
            <Failure of={shown ? token.error : null} />
            <Button onPress={() => setShown(true)} isPending={shown && token.isLoading}>
              {t('prometheus.show')}
            </Button>
          </>
        )}
      </div>
    </Card>
  );
}

function CopyButton({ text }: { text: string }) {
  const { t } = useTranslation('look');
  const [copied, setCopied] = useState(false);
  return (
    <Button
      onPress={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
      onBlur={() => setCopied(false)}
    >
      {t(copied ? 'copied' : 'copy')}
    </Button>
  );
}
