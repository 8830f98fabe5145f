using System.Numerics;

namespace OrleansChat.Bench.Load;

/// <summary>Counts times by size: exact to 1 µs below 128 µs, to 1.6 % above.</summary>
internal sealed class Latencies
{
    private const int Exact = 128;
    private const int StepBits = 6; // 64 steps for each doubling
    private readonly long[] _counts = new long[Exact + (26 << StepBits)];

    public long Count { get; private set; }

    public uint Max { get; private set; }

    public void Add(uint micros)
    {
        _counts[IndexOf(micros)]++;
        Count++;
        if (micros > Max)
            Max = micros;
    }

    /// <summary>The time that so large a part of all did not exceed, in ms; 0 where nothing was counted.</summary>
    /// <param name="part">0–1.</param>
    public double Percentile(double part)
    {
        var left = (long)Math.Ceiling(part * Count);
        for (var i = 0; i < _counts.Length; i++)
        {
            left -= _counts[i];
            if (left <= 0 && Count > 0)
                return Math.Min(UpperEdge(i), Max) / 1_000.0;
        }

        return 0;
    }

    private static int IndexOf(uint micros)
    {
        if (micros < Exact)
            return (int)micros;
        var shift = BitOperations.Log2(micros) - StepBits;
        return Exact + ((shift - 1) << StepBits) + (int)(micros >> shift) - (1 << StepBits);
    }

    private static uint UpperEdge(int index)
    {
        if (index < Exact)
            return (uint)index;
        var shift = ((index - Exact) >> StepBits) + 1;
        var step = (ulong)((index - Exact) & ((1 << StepBits) - 1)) + (1 << StepBits);
        return (uint)(((step + 1) << shift) - 1);
    }
}
