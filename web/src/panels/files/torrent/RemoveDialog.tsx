import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { Checkbox } from '../../../look/Checkbox';
import { Confirm } from '../../../look/Dialog';
import { Name, shownName } from '../../../look/Name';
import { toast } from '../../../look/toasts';
import { remove } from '../requests';

interface RemoveDialogProps {
  id: string;
  name: string;
  isOpen: boolean;
  onClose: () => void;
}

/** Asks before a torrent leaves the list. Its files stay unless that is asked for too. */
export function RemoveDialog({ id, name, isOpen, onClose }: RemoveDialogProps) {
  const { t } = useTranslation('files');
  const [, navigate] = useLocation();
  const [data, setData] = useState(false);
  const close = () => {
    setData(false);
    onClose();
  };
  return (
    <Confirm
      title={t('remove.title')}
      isOpen={isOpen}
      onClose={close}
      confirm={t(data ? 'remove.both' : 'remove.confirm')}
      danger
      onConfirm={async () => {
        await remove(id, data);
        toast(t(data ? 'remove.doneBoth' : 'remove.done', { name: shownName(name, 80) }));
        navigate('/files');
        // The page that had the focus is gone: reading goes on at the panel's title.
        requestAnimationFrame(() => document.getElementById('title')?.focus());
      }}
    >
      <p>
        <Name text={name} />
      </p>
      <p className="quiet">{t(data ? 'remove.textBoth' : 'remove.text')}</p>
      <Checkbox label={t('remove.data')} isSelected={data} onChange={setData} />
    </Confirm>
  );
}
