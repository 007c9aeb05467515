"""The sweep of `test_sweep_of_others.py` as a user of PyTorch, Hydra and MLflow writes it.

Run as `python torch_sweep.py -m hidden=32,64 seed=0,1,2` in an empty folder.
"""

from dataclasses import dataclass

import hydra
import mlflow
import numpy as np
import torch
from hydra.core.config_store import ConfigStore

T, BATCH, EVERY, SEQUENCES = 50, 32, 100, 1000


@dataclass
class Config:
    """One run."""

    hidden: int = 32
    seed: int = 0
    updates: int = 1000
    lr: float = 0.001


ConfigStore.instance().store("config", node=Config)


class Network(torch.nn.Module):
    """A recurrent network that reads its answer off the last state."""

    def __init__(self, hidden):
        super().__init__()
        self.rnn = torch.nn.RNN(2, hidden)
        self.out = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        """Return (B, 1) for x (T, B, 2)."""
        return self.out(self.rnn(x)[0][-1])


def draw(rng, size):
    """Return x (T, B, 2), of whose numbers two are marked, and the sum of these (B, 1)."""
    x = np.zeros((T, size, 2), np.float32)
    x[:, :, 0] = rng.random((T, size), dtype=np.float32)
    first, second = rng.integers(0, T // 2, size), rng.integers(T // 2, T, size)
    columns = np.arange(size)
    x[first, columns, 1] = x[second, columns, 1] = 1.0
    target = x[first, columns, 0] + x[second, columns, 0]
    return torch.from_numpy(x), torch.from_numpy(target[:, None])


@hydra.main(version_base="1.3", config_path=None, config_name="config")
def main(cfg: Config) -> None:
    """Train one network and log its curves."""
    mlflow.set_tracking_uri(f"sqlite:///{hydra.utils.get_original_cwd()}/mlflow.db")
    mlflow.set_experiment("sweep")
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    net = Network(cfg.hidden)
    optimiser = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    validation = draw(np.random.default_rng(10_000 + cfg.seed), SEQUENCES)
    with mlflow.start_run():
        mlflow.log_params(dict(cfg))
        losses = []
        for update in range(1, cfg.updates + 1):
            x, target = draw(rng, BATCH)
            loss = torch.nn.functional.mse_loss(net(x), target)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.detach())
            if update % EVERY == 0:
                with torch.no_grad():
                    score = torch.nn.functional.mse_loss(net(validation[0]), validation[1])
                found = {"train_loss": float(torch.stack(losses).mean()), "validation_loss": float(score)}
                mlflow.log_metrics(found, step=update)
                losses.clear()
        torch.save(net.state_dict(), "weights.pt")
        mlflow.log_artifact("weights.pt")


if __name__ == "__main__":
    main()
