using Orleans.Statistics;

namespace OrleansChat.Grains;

/// <summary>
/// For a cluster of one process, where nobody asks how busy it is: to place grains, to refuse clients. Orleans' own has the runtime tell all its counters each second, on a thread of its own.
/// </summary>
internal sealed class NoStatistics : IEnvironmentStatisticsProvider
{
    /// <inheritdoc/>
    public EnvironmentStatistics GetEnvironmentStatistics() => default;
}
