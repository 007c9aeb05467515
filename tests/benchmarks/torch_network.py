"""The fully recurrent network in PyTorch: `nn.RNN` and, compiled, a loop by hand."""

from tests.benchmarks.work import CLIP, RATE


class TorchRNN:
    """The network of a case with PyTorch's layers, clipping and fused Adam.

    Parameters
    ----------
    torch : module
        PyTorch, at one thread.
    case : Case
        An `rnn`.
    every_step : bool
        Whether every step is scored, or the last.
    """

    def __init__(self, torch, case, every_step=False):
        self.torch, self.every_step = torch, every_step
        self.hidden = case.params["h.bias"].size
        self.rnn = torch.nn.RNN(case.net.n_in, self.hidden)
        self.out = torch.nn.Linear(self.hidden, case.net.n_out)
        self.parameters = [*self.rnn.parameters(), *self.out.parameters()]
        self.places = {
            "x->h": self.rnn.weight_ih_l0,
            "h->h": self.rnn.weight_hh_l0,
            "h.bias": self.rnn.bias_ih_l0,
            "h->y": self.out.weight,
            "y.bias": self.out.bias,
        }
        with torch.no_grad():
            self.rnn.bias_hh_l0.zero_()
            for name, place in self.places.items():
                key = "h->h@1" if name == "h->h" else name
                place.copy_(torch.from_numpy(case.params[key].T.copy()))
        self.x, self.target = torch.from_numpy(case.x), torch.from_numpy(case.target)
        self.forward = self._layers

    def _layers(self):
        h = self.rnn(self.x)[0]
        return h if self.every_step else h[-1]

    def compile_loop(self):
        """Run a loop by hand, compiled whole, in place of the layer; it takes half a minute at 50 steps."""
        torch = self.torch
        rnn = self.rnn

        def loop(x, state, w, r, b):
            z = x @ w.T + b
            for t in range(x.shape[0]):
                state = torch.tanh(torch.addmm(z[t], state, r.T))
            return state

        compiled = torch.compile(loop)
        start = torch.zeros(self.x.shape[1], self.hidden)
        weights = rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0
        self.parameters = [*weights, *self.out.parameters()]
        self.forward = lambda: compiled(self.x, start, *weights)

    def _loss(self):
        target = self.target if self.every_step else self.target[-1]
        return self.torch.nn.functional.mse_loss(self.out(self.forward()), target)

    def loss_and_grad(self):
        """Return the loss and the gradient under our names and in our shapes."""
        for parameter in self.parameters:
            parameter.grad = None
        loss = self._loss()
        loss.backward()
        return float(loss.detach()), {name: place.grad.numpy().T for name, place in self.places.items()}

    def training_step(self):
        """Return a step as a callable."""
        torch, parameters = self.torch, self.parameters
        adam = torch.optim.Adam(parameters, lr=RATE, fused=True)

        def step():
            adam.zero_grad(set_to_none=True)
            self._loss().backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            adam.step()

        return step

    def inference(self):
        """Return the forward pass as a callable: the output of every step."""

        def forward():
            with self.torch.inference_mode():
                return self.out(self.forward())

        return forward
