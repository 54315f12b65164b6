import { useEffect, useEffectEvent, useState } from 'react';

/** Takes what is dropped on the window while the component is there. Says whether something hangs over it. */
export function useDrop(onDrop: (transfer: DataTransfer) => void): boolean {
  const [over, setOver] = useState(false);
  const dropped = useEffectEvent(onDrop);
  useEffect(() => {
    // Entering a child comes before leaving its parent: the depth tells when the window itself is left.
    let depth = 0;
    const wanted = (event: DragEvent) => {
      const types = event.dataTransfer?.types ?? [];
      return types.includes('Files') || types.includes('text/plain');
    };
    const listeners: Record<string, (event: DragEvent) => void> = {
      dragenter: (event) => {
        if (!wanted(event)) return;
        depth += 1;
        setOver(true);
      },
      dragleave: (event) => {
        if (!wanted(event)) return;
        depth = Math.max(0, depth - 1);
        if (depth === 0) setOver(false);
      },
      dragover: (event) => {
        if (!wanted(event)) return;
        event.preventDefault();
        if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
      },
      drop: (event) => {
        depth = 0;
        setOver(false);
        if (!wanted(event) || event.dataTransfer === null) return;
        event.preventDefault();
        dropped(event.dataTransfer);
      },
    };
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener as EventListener);
    };
  }, []);
  return over;
}
