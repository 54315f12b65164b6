import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { toast } from '../../../look/toasts';
import { GlobalLimits } from '../GlobalLimits';
import { LimitsForm } from '../LimitsForm';
import { keys, setTorrentLimits, type RateLimits } from '../requests';

/** How much of the line this torrent may take. */
export function LimitsCard({ infoHash, limits }: { infoHash: string; limits: RateLimits }) {
  const { t } = useTranslation('files');
  const client = useQueryClient();
  const [all, setAll] = useState(false);
  return (
    <Card
      title={t('limits.title')}
      span={6}
      action={
        <Button small look="quiet" onPress={() => setAll(true)}>
          {t('limits.all')}
        </Button>
      }
    >
      <GlobalLimits isOpen={all} onClose={() => setAll(false)} />
      <LimitsForm
        // Limits that were set elsewhere are shown; what somebody types here is not overwritten by an equal answer.
        key={`${String(limits.download)} ${String(limits.upload)}`}
        limits={limits}
        onSave={async (wanted) => {
          await setTorrentLimits(infoHash, wanted);
          toast(t('limits.saved'));
          await client.invalidateQueries({ queryKey: keys.torrent(infoHash) });
        }}
      />
    </Card>
  );
}
