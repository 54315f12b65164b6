import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { problemOf } from '../../api/problem';
import { Dialog } from '../../look/Dialog';
import { Failure } from './Failure';
import { LimitsForm } from './LimitsForm';
import { keys, limits, setLimits } from './requests';

/** The limits over all torrents, in a dialog. */
export function GlobalLimits({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation('files');
  const client = useQueryClient();
  const now = useQuery({ queryKey: keys.limits, queryFn: limits, enabled: isOpen });
  return (
    <Dialog title={t('limits.allTitle')} isOpen={isOpen} onClose={onClose}>
      <p className="quiet">{t('limits.allText')}</p>
      {now.data && (
        <LimitsForm
          limits={now.data}
          onCancel={onClose}
          onSave={async (wanted) => {
            client.setQueryData(keys.limits, await setLimits(wanted));
            onClose();
          }}
        />
      )}
      <Failure problem={now.error && problemOf(now.error)} />
    </Dialog>
  );
}
