namespace IccEngine.Cli;

/// <summary>A line of progress on stderr, where that is a terminal and the work is long enough to wonder.</summary>
internal sealed class ProgressLine(string what) : IProgress<double>, IDisposable
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private readonly DateTime _start = DateTime.UtcNow;
    private DateTime _last;
    private bool _shown;

    public void Report(double share)
    {
        var now = DateTime.UtcNow;
        if (!_terminal || now - _start < Quiet || now - _last < Interval)
        {
            return;
        }
        (_last, _shown) = (now, true);
        var left = share > 0 ? (now - _start) * ((1 - share) / share) : TimeSpan.Zero;
        Console.Error.Write($"\r{what}: {100 * share:0} %, {left.TotalSeconds:0} s left   ");
    }

    public void Dispose()
    {
        if (_shown)
        {
            Console.Error.Write("\r" + new string(' ', 60) + "\r");
        }
    }
}
